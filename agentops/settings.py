"""Every setting, read from the environment or `.env` (see `.env.example`). The defaults are production's;
the demo turns on what a demo needs."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from agentops.lib import logs

BASE_DIR = Path(__file__).resolve().parent.parent
# A wheel carries templates and static files inside the package (see pyproject.toml).
ASSETS = BASE_DIR if (BASE_DIR / "templates").is_dir() else BASE_DIR / "agentops" / "assets"
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEMO = env.bool("DEMO", False)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")  # Django refuses to start without one
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = env.str("PUBLIC_URL", "").rstrip("/")

# --- what this runs on ------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", "") or BASE_DIR / "var")
_sockets = (DATA_DIR / "run").resolve()  # a link if the servers' user can't enter the folder or its path is too long
DATABASE_URL = env.str("DATABASE_URL", "") or f"postgres://agentops@{quote(str(_sockets), safe='')}/agentops"
_wrong = ImproperlyConfigured("DATABASE_URL must be postgres://user:password@host:port/name; README says why.")
if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
    raise _wrong
try:
    _database = env.db_url_config(DATABASE_URL)
except (ValueError, ImproperlyConfigured):
    raise _wrong from None  # the original error may contain the password
if not _database["NAME"]:
    raise _wrong
# A pooler in transaction mode may run each transaction on another connection, which has no cursor of the last one and
# refuses parameters at the start.
_pooler = env.bool("DATABASE_TRANSACTION_POOLER", False)
_options = _database.get("OPTIONS", {})  # those of the URL, such as sslmode
if not _pooler:
    # A process that hangs in a transaction, or has lost its network, gives up its locks.
    _options["options"] = f"-c idle_in_transaction_session_timeout=60s {_options.get('options', '')}".strip()
DATABASES = {
    "default": {
        **_database,
        "HOST": unquote(_database["HOST"]),  # a socket folder is percent-encoded, as in libpq's URIs
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": _pooler,
        "OPTIONS": {
            **_options,
            "pool": {
                "min_size": 1,
                "max_size": env.int("DATABASE_POOL", 12),
                "timeout": 10,
            },
        },
    }
}
REDIS_URL = env.str("REDIS_URL", "") or f"unix://{quote(str(_sockets / 'valkey.sock'))}"
BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)  # Celery's scheme for the same socket
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- web --------------------------------------------------------------------------------------------------
ROOT_URLCONF = "agentops.urls"
WSGI_APPLICATION = "agentops.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "pgtrigger",
    "tickets",
    "approvals",
    "agentops",
    *(["agentops.lab"] if find_spec("agentops.lab") else []),
]
MIDDLEWARE = [
    "agentops.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ASSETS / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django_htmx.templatetags.django_htmx"],
            "libraries": {
                "reasoning": "agentops.web.templatetags.reasoning",
                **{name: f"approvals.web.templatetags.{name}" for name in ("figures", "formats", "kinds", "shell")},
            },
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [ASSETS / "static"]
# Serve static files from the packages if collectstatic hasn't run.
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", DEMO or DEBUG)

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/queue/"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
}
HTTPS = env.bool("HTTPS", not (DEMO or DEBUG))
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", False) else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes come from inside, by plain HTTP
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# --- worker -----------------------------------------------------------------------------------------------
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 10.0)
RUN_LEASE_SECONDS = env.int("RUN_LEASE_SECONDS", 120)
ACTION_LEASE_SECONDS = env.int("ACTION_LEASE_SECONDS", 60)
MAX_TURNS = 12
# Stripe and the contract's provider keep a key 24 hours; past this, look up before sending.
RETRY_HORIZON_SECONDS = env.int("RETRY_HORIZON_SECONDS", 20 * 3600)
RETRY_BASE_SECONDS = env.float("RETRY_BASE_SECONDS", 1.0)

# --- outside systems --------------------------------------------------------------------------------------
ORDERS_URL = env.str("ORDERS_URL", "")
ORDERS_TOKEN = env.str("ORDERS_TOKEN", "")
PAYMENTS_BACKEND = env.str("PAYMENTS_BACKEND", "http")
PAYMENTS_URL = env.str("PAYMENTS_URL", "")
PAYMENTS_TOKEN = env.str("PAYMENTS_TOKEN", "")
# False for a provider without idempotency keys: each sending is preceded by a look-up by reference, and an action that
# may have taken effect is never sent again automatically.
PAYMENTS_IDEMPOTENT = env.bool("PAYMENTS_IDEMPOTENT", True)
STRIPE_API_KEY = env.str("STRIPE_API_KEY", "")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", "")
REPLIES_BACKEND = env.str("REPLIES_BACKEND", "webhook")
REPLIES_URL = env.str("REPLIES_URL", "")
REPLIES_SIGNING_SECRET = env.str("REPLIES_SIGNING_SECRET", "")
INTAKE_SIGNING_SECRET = env.str("INTAKE_SIGNING_SECRET", "")
# Deliveries accepted from one help desk within a minute and for one customer within an hour; 0: no limit.
INTAKE_SOURCE_PER_MINUTE = env.int("INTAKE_SOURCE_PER_MINUTE", 6000)
INTAKE_CUSTOMER_PER_HOUR = env.int("INTAKE_CUSTOMER_PER_HOUR", 200)
PROVIDER_TIMEOUT_SECONDS = env.float("PROVIDER_TIMEOUT_SECONDS", 10.0)
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "") or None
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
LLM_TRIAGE_MODEL = env.str("LLM_TRIAGE_MODEL", "gpt-5-mini")
LLM_EXPERT_MODEL = env.str("LLM_EXPERT_MODEL", "gpt-5")
# A second provider for when the first one is skipped; empty: none. Without a model, the one of the same name is used.
LLM_FALLBACK_BASE_URL = env.str("LLM_FALLBACK_BASE_URL", "")
LLM_FALLBACK_API_KEY = env.str("LLM_FALLBACK_API_KEY", "")
LLM_FALLBACK_MODEL = env.str("LLM_FALLBACK_MODEL", "")
LLM_TIMEOUT_SECONDS = env.float("LLM_TIMEOUT_SECONDS", 60.0)
# Maximum tokens of an answer, including reasoning, and the server's name for that parameter. Ollama (to 0.32) and older
# servers silently ignore today's name and need max_tokens, which OpenAI's reasoning models refuse.
LLM_MAX_TOKENS = env.int("LLM_MAX_TOKENS", 8192)
LLM_MAX_TOKENS_NAME = env.str("LLM_MAX_TOKENS_NAME", "max_completion_tokens")
# Failures in a row after which a model is skipped, and seconds until it is tried again (doubled each time).
LLM_BREAKER_FAILURES = env.int("LLM_BREAKER_FAILURES", 4)
LLM_BREAKER_SECONDS = env.float("LLM_BREAKER_SECONDS", 30.0)
# A new installation's prices in US dollars per million tokens: {model: {input, output, cached, reasoning}}. After that,
# prices are rows, entered under Policy. A model without a price isn't called.
LLM_PRICES = env.json(
    "LLM_PRICES",
    default={
        "gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"},
        "gpt-5": {"input": "1.25", "cached": "0.125", "output": "10.00"},
    },
)
_email = env.email_url("EMAIL_URL", default="smtp://localhost:25")
_smtp = {
    "host": _email["EMAIL_HOST"],
    "port": _email["EMAIL_PORT"],
    "username": _email["EMAIL_HOST_USER"] or "",
    "password": _email["EMAIL_HOST_PASSWORD"] or "",
    "use_tls": _email.get("EMAIL_USE_TLS", False),
    "use_ssl": _email.get("EMAIL_USE_SSL", False),
    "timeout": PROVIDER_TIMEOUT_SECONDS,
}
MAILERS = {
    "default": {
        "BACKEND": _email["EMAIL_BACKEND"],
        "OPTIONS": _smtp if _email["EMAIL_BACKEND"].endswith("smtp.EmailBackend") else {},
    }
}
# Recipients of alerts: a difference with the provider, refused credentials, or a refund that failed afterwards.
ALERT_EMAILS = env.list("ALERT_EMAILS", default=[])
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "support@localhost")

# --- monitoring --------------------------------------------------------------------------------------------
# Traces: OpenTelemetry's exporter reads these and its other OTEL_ settings from the environment itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
_content = env.str("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower()
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT = _content in ("true", "1", "span_only", "span_and_event")
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
LOG_FORMAT = env.str("LOG_FORMAT", "") or ("console" if DEMO or DEBUG else "json")
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be one of: {', '.join(logs.FORMATS)}.")
LOGGING = logs.config(
    level=env.str("LOG_LEVEL", "INFO"),
    form=LOG_FORMAT,
    secrets=[
        *(SECRET_KEY, INTAKE_SIGNING_SECRET, REPLIES_SIGNING_SECRET, ORDERS_TOKEN, PAYMENTS_TOKEN, STRIPE_API_KEY),
        *(
            STRIPE_WEBHOOK_SECRET,
            OPENAI_API_KEY,
            LLM_FALLBACK_API_KEY,
            METRICS_TOKEN,
            _email["EMAIL_HOST_PASSWORD"] or "",
        ),
        str(_database.get("PASSWORD") or ""),
    ],
)
