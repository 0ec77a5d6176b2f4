"""Names, articles and prices for the generated shop."""

CURRENCIES = ("USD", "USD", "EUR", "USD", "GBP", "USD", "JPY", "USD", "EUR", "KWD")
STATUSES = (
    "delivered",
    "delivered",
    "pending",
    "delivered",
    "shipped",
    "delivered",
    "processed",
    "delivered",
    "returned",
    "delivered",
    "pending",
    "delivered",
    "cancelled",
)
METHODS = ("credit_card", "paypal", "gift_card", "bank_transfer")

# Articles and their prices in US cents.
ARTICLES = (
    ("Enamel Mug", 1450),
    ("Linen Tea Towel", 1190),
    ("Beeswax Candle", 1875),
    ("Pocket Notebook", 950),
    ("Ceramic Planter", 3240),
    ("Wool Blanket", 8900),
    ("Cast Iron Skillet", 6450),
    ("Chef Knife", 11900),
    ("Pour Over Kettle", 7990),
    ("Hand Blender", 5875),
    ("Bread Oven", 18900),
    ("Espresso Grinder", 24900),
    ("Reading Lamp", 9450),
    ("Floor Lamp", 21900),
    ("Wall Clock", 4690),
    ("Picture Frame", 2780),
    ("Feather Pillow", 3990),
    ("Down Duvet", 22900),
    ("Bath Towel", 2490),
    ("Rain Jacket", 12900),
    ("Trail Shoes", 13900),
    ("Canvas Backpack", 7450),
    ("Travel Umbrella", 3390),
    ("Sun Hat", 2950),
    ("Yoga Mat", 4590),
    ("Bicycle Pump", 3875),
    ("Camping Stove", 8450),
    ("Folding Chair", 5490),
    ("Steel Thermos", 3650),
    ("Board Game", 4250),
    ("Wooden Puzzle", 2690),
    ("Desk Organizer", 2990),
    ("Monitor Stand", 6890),
    ("Office Chair", 38900),
    ("Standing Desk", 54900),
    ("Wireless Headphones", 19900),
    ("Travel Speaker", 8990),
    ("Record Player", 28900),
    ("Film Camera", 33900),
    ("Robot Vacuum", 42900),
)

# Minor units of the currency for one US cent, rounded to prices that a shop would use.
_RATES = {"USD": (1.0, 1), "EUR": (0.92, 5), "GBP": (0.8, 5), "JPY": (1.5, 10), "KWD": (3.1, 50)}


def price(cents: int, currency: str) -> int:
    """Return the article's price in the currency's minor units."""
    rate, step = _RATES[currency]
    return max(step, round(cents * rate / step) * step)


FIRST_NAMES = (
    "Ada", "Amir", "Anika", "Arthur", "Beatriz", "Bela", "Bruno", "Carla", "Cem", "Clara", "Dalia", "Dario",
    "Dunja", "Edgar", "Elif", "Emil", "Esra", "Fabian", "Farah", "Felix", "Gita", "Greta", "Hakan", "Hana",
    "Hugo", "Ida", "Ilya", "Imani", "Ines", "Ivo", "Jana", "Jonas", "Jun", "Kaori", "Karim", "Kenji", "Lena",
    "Leon", "Lina", "Luca", "Maja", "Malik", "Mara", "Milan", "Mina", "Nadia", "Nils", "Noor", "Olga", "Omar",
    "Otto", "Paula", "Pavel", "Petra", "Quentin", "Rafael", "Rania", "Rosa", "Ruben", "Sami", "Selma", "Simon",
    "Sora", "Stella", "Tariq", "Tessa", "Theo", "Tomas", "Uma", "Vera", "Viktor", "Wanda", "Yuki", "Zara",
)  # fmt: skip  # a table
LAST_NAMES = (
    "Abbott", "Akers", "Baker", "Berger", "Castell", "Corrigan", "Dahl", "Delgado", "Eriksen", "Fischer",
    "Fontaine", "Galanis", "Haddad", "Hoffman", "Ibarra", "Janssen", "Keller", "Kimura", "Laurent", "Lindqvist",
    "Marchetti", "Moreau", "Nakata", "Novak", "Okafor", "Olsen", "Pereira", "Quist", "Rahman", "Rossini",
    "Salazar", "Sato", "Tanaka", "Teixeira", "Ustinov", "Vargas", "Weber", "Winters", "Yilmaz", "Zeller",
)  # fmt: skip  # a table
STREETS = ("Mill Lane", "Harbour Street", "Station Road", "Orchard Way", "Museum Square", "Garden Row", "Canal Street")
CITIES = (
    ("Bristol", "GB"),
    ("Leeds", "GB"),
    ("Lyon", "FR"),
    ("Ghent", "BE"),
    ("Graz", "AT"),
    ("Portland", "US"),
    ("Madison", "US"),
    ("Osaka", "JP"),
    ("Kuwait City", "KW"),
)
