"""The contestant: what somebody would write in an afternoon. Started as a process of its own.

plain_loop.py URL CUSTOMER_ID LOGIN_IDS_FILE, key on the first line of stdin, start on the second.
No database, no trace, no throttle, no restart: two calls for each login, JSON parsed.
"""

import sys
from pathlib import Path

import requests


def main() -> None:
    url, customer_id, ids_file = sys.argv[1:]
    services = f"{url}{customer_id}/BankingServices/"
    login_ids = Path(ids_file).read_text(encoding="utf-8").split()
    key = sys.stdin.readline().strip()
    print("ready", flush=True)
    sys.stdin.readline()
    accounts = 0
    with requests.Session() as session:
        for login_id in login_ids:
            asked = session.post(
                f"{services}Authorize", json={"LoginId": login_id, "MostRecentCached": True}
            )
            fetched = session.post(
                f"{services}GetAccountsDetail",
                json={"RequestId": asked.json()["RequestId"]},
                headers={"x-api-key": key},
            )
            accounts += len(fetched.json()["Accounts"])
    print(accounts, flush=True)


if __name__ == "__main__":
    main()
