"""Bodies in the published shapes, with values of our own; only their keys and types count."""

LOGIN = {
    "Username": "4519883300112233",
    "IsScheduledRefresh": True,
    "LastRefresh": "2026-03-04T05:41:22.1234567",
    "Type": "Personal",
    "Id": "0b9bb6c5-9d8d-4f3a-9d24-3d4c4b1f6d11",
}
LINK = {"rel": "AccountsDetail", "href": "/GetAccountsDetail", "example": None}
REQUEST_ID = "5b1fb1d0-3c57-4b19-8d7f-6df1b1f0a3c2"
HOLDER = {
    "Name": "Amélie Roy",
    "Address": {
        "CivicAddress": "12 King St W",
        "City": "Toronto",
        "Province": "ON",
        "PostalCode": "M5V 1A1",
        "POBox": None,
        "Country": "CA",
    },
    "Email": "amelie.roy@example.ca",
    "PhoneNumber": "4165550123",
}
BALANCE = {"Available": 10.5, "Current": 10.5, "Limit": None}
ACCOUNT = {
    "Title": "Everyday",
    "AccountNumber": "1234567",
    "LastFourDigits": None,
    "Balance": BALANCE,
    "Category": "Operations",
    "Type": "Chequing",
    "Currency": "CAD",
    "Holder": HOLDER,
    "AccountType": "Personal",
    "Id": "9f3a6a1c-0d5e-4a44-9e0a-0b6f5f3c2d10",
}
TRANSACTION = {
    "Date": "2026-03-03",
    "Code": None,
    "Description": "TIM HORTONS #12",
    "Debit": 4.2,
    "Credit": None,
    "Balance": 10.5,
    "Id": "3f9d7c52-51a2-4d1e-8a7d-5b0d8f0d2a77",
}
INSTITUTION = {"Institution": "RBC", "InstitutionName": "RBC", "InstitutionId": 2}

AUTHORIZED = {
    "Links": [LINK],
    "HttpStatusCode": 200,
    "Login": LOGIN,
    **INSTITUTION,
    "RequestId": REQUEST_ID,
}
REFRESH_FAILED = {
    "Links": [LINK],
    "HttpStatusCode": 401,
    "FlinksCode": "QUESTION_NOT_FOUND",
    "Institution": "TD",
    "RequestId": REQUEST_ID,
}
CHALLENGED = {
    "Links": [LINK],
    "HttpStatusCode": 203,
    "SecurityChallenges": [{"Type": "QuestionAndAnswer", "Prompt": "Which town?"}],
    "Institution": "RBC",
    "RequestId": REQUEST_ID,
}
PENDING = {
    "FlinksCode": "OPERATION_PENDING",
    "Links": [LINK],
    "HttpStatusCode": 202,
    "Message": "Your operation is still processing",
    "RequestId": REQUEST_ID,
}
DETAIL = {
    "HttpStatusCode": 200,
    "Accounts": [
        {
            "Transactions": [TRANSACTION],
            "TransitNumber": "00123",
            "InstitutionNumber": "003",
            "OverdraftLimit": 0.0,
            **ACCOUNT,
        }
    ],
    **INSTITUTION,
    "Login": LOGIN,
    "RequestId": REQUEST_ID,
}
SUMMARY = {
    "HttpStatusCode": 200,
    "Accounts": [{"EftEligibleRatio": 1, "ETransferEligibleRatio": 1, **ACCOUNT}],
    "Links": [LINK],
    "Tag": None,
    **INSTITUTION,
    "Login": LOGIN,
    "RequestId": REQUEST_ID,
}
TOKEN = {"HttpStatusCode": 200, "Token": REQUEST_ID}
NIGHTLY = {
    "HttpStatusCode": 200,
    "IneligibleCards": [
        {
            "LoginId": REQUEST_ID,
            "LastRefreshDate": "2026-02-01T05:26:34.6854364",
            "LastRefreshState": "AnsweringSecurityChallenge",
            "LastRefreshErrorCode": None,
        }
    ],
}


def shape_of(value: object) -> object:
    """Return the keys of `value` all the way down; of a list, what its first element looks like."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return "value"
