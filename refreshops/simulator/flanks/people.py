"""Customers in Spain: invented people, with two surnames, and small firms."""

from random import Random

from refreshops.simulator.people import ACCOUNT_MANAGERS, Customer, idle_days_of, plain

GIVEN = (
    *("Lucía", "Hugo", "Martina", "Mateo", "Sofía", "Leo", "Valeria", "Daniel", "Paula", "Álvaro"),
    *("Carmen", "Pablo", "Noelia", "Adrián", "Inés", "Javier", "Nuria", "Íñigo", "Begoña", "Jordi"),
    *("Montserrat", "Xabier", "Rocío", "Andrés", "Concepción", "Gonzalo", "Ainhoa", "Ramón"),
)
FAMILY = (
    *("García", "Fernández", "González", "Rodríguez", "López", "Martínez", "Sánchez", "Pérez"),
    *("Gómez", "Martín", "Jiménez", "Ruiz", "Hernández", "Díaz", "Moreno", "Muñoz", "Álvarez"),
    *("Romero", "Alonso", "Gutiérrez", "Navarro", "Torres", "Domínguez", "Vázquez", "Ibáñez"),
    *("Etxeberria", "Puig", "Ferrer", "Castaño", "Núñez", "Iglesias", "Ortega", "Peña"),
)
TRADES = ("Panadería", "Reformas", "Transportes", "Clínica Dental", "Fontanería", "Viñedos")
# City, province, first digits of its postal codes.
CITIES = (
    ("Madrid", "Madrid", "280"),
    ("Barcelona", "Barcelona", "080"),
    ("València", "València", "460"),
    ("Sevilla", "Sevilla", "410"),
    ("Zaragoza", "Zaragoza", "500"),
    ("Málaga", "Málaga", "290"),
    ("Bilbao", "Bizkaia", "480"),
    ("A Coruña", "A Coruña", "150"),
    ("Palma", "Illes Balears", "070"),
    ("Valladolid", "Valladolid", "470"),
)
STREETS = (
    *("Calle Mayor", "Calle de Alcalá", "Avenida de la Constitución", "Carrer de Mallorca"),
    *("Gran Vía", "Paseo de la Castellana", "Calle Real", "Plaza de España", "Rúa Nova"),
)


def make_spanish_customer(*, reference: str, chance: Random) -> Customer:
    """Return an invented customer; the same `chance` gives the same one."""
    given, family, mother = chance.choice(GIVEN), chance.choice(FAMILY), chance.choice(FAMILY)
    holder = f"{given} {family} {mother}"
    city, province, postal = chance.choice(CITIES)
    firm = f"{chance.choice(TRADES)} {family} S.L." if chance.random() < 0.15 else holder
    return Customer(
        reference=reference,
        name=firm,
        holder=holder,
        email=f"{plain(given)}.{plain(family)}{chance.randrange(100)}@example.es",
        account_manager=chance.choices(ACCOUNT_MANAGERS, (5, 3, 2))[0],
        civic_address=f"{chance.choice(STREETS)}, {chance.randrange(1, 240)}",
        city=city,
        province=province,
        postal_code=f"{postal}{chance.randrange(100):02d}",
        phone=f"+34600{chance.randrange(10**6):06d}",
        idle_days=idle_days_of(reference),
    )
