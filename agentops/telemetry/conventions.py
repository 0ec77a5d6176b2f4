"""All names in exports, and the version of the conventions they come from.

GenAI names are those of the OpenTelemetry semantic conventions 1.41.0, the last release before they moved to a
repository of their own. They are still in development there, so a newer version gets a new module.
https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai
"""

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as gen_ai
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes, service_attributes
from opentelemetry.semconv.schemas import Schemas

SCHEMA_URL = Schemas.V1_41_0.value
SCOPE = "agentops"
AGENTOPS_AGENT = "agentops"
PROVIDER = "openai"  # the interface that is used; `server.address` names the server

# --- operations: the first word of a span's name ----------------------------------------------------------
INVOKE_AGENT = "invoke_agent"
CHAT = "chat"
EXECUTE_TOOL = "execute_tool"

# --- GenAI ------------------------------------------------------------------------------------------------
OPERATION_NAME = gen_ai.GEN_AI_OPERATION_NAME
PROVIDER_NAME = gen_ai.GEN_AI_PROVIDER_NAME
AGENT_NAME = gen_ai.GEN_AI_AGENT_NAME
CONVERSATION_ID = gen_ai.GEN_AI_CONVERSATION_ID
OUTPUT_TYPE = gen_ai.GEN_AI_OUTPUT_TYPE
REQUEST_MODEL = gen_ai.GEN_AI_REQUEST_MODEL
RESPONSE_ID = gen_ai.GEN_AI_RESPONSE_ID
RESPONSE_MODEL = gen_ai.GEN_AI_RESPONSE_MODEL
FINISH_REASONS = gen_ai.GEN_AI_RESPONSE_FINISH_REASONS
INPUT_TOKENS = gen_ai.GEN_AI_USAGE_INPUT_TOKENS
CACHED_TOKENS = gen_ai.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS
OUTPUT_TOKENS = gen_ai.GEN_AI_USAGE_OUTPUT_TOKENS
REASONING_TOKENS = gen_ai.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS
TOOL_NAME = gen_ai.GEN_AI_TOOL_NAME
TOOL_TYPE = gen_ai.GEN_AI_TOOL_TYPE
TOOL_CALL_ID = gen_ai.GEN_AI_TOOL_CALL_ID

# --- content, sent only on request ------------------------------------------------------------------------
INPUT_MESSAGES = gen_ai.GEN_AI_INPUT_MESSAGES
OUTPUT_MESSAGES = gen_ai.GEN_AI_OUTPUT_MESSAGES
TOOL_ARGUMENTS = gen_ai.GEN_AI_TOOL_CALL_ARGUMENTS
TOOL_RESULT = gen_ai.GEN_AI_TOOL_CALL_RESULT
AGENTOPS_REASON = "agentops.reason"
ERROR_MESSAGE = "agentops.error.message"

# --- errors, HTTP -----------------------------------------------------------------------------------------
ERROR_TYPE = error_attributes.ERROR_TYPE
METHOD = http_attributes.HTTP_REQUEST_METHOD
RESEND_COUNT = http_attributes.HTTP_REQUEST_RESEND_COUNT
STATUS_CODE = http_attributes.HTTP_RESPONSE_STATUS_CODE
ROUTE = http_attributes.HTTP_ROUTE
SERVER_ADDRESS = server_attributes.SERVER_ADDRESS
SERVER_PORT = server_attributes.SERVER_PORT
SERVICE_NAME = service_attributes.SERVICE_NAME

# --- our own attributes, where the conventions have none ---------------------------------------------------
TICKET = "agentops.ticket.id"
RUN = "agentops.run.id"
RUN_NUMBER = "agentops.run.number"
RUN_STATUS = "agentops.run.status"
RUN_OUTCOME = "agentops.run.outcome"
URL = "agentops.url"  # our own page about it
TURNS = "agentops.turns"
COST = "agentops.cost_usd"
STEP = "agentops.step.index"
ATTEMPT = "agentops.attempt"
ERROR_CLASS = "agentops.error.class"
ACTION_KIND = "agentops.action.kind"
ACTION_KEY = "agentops.action.idempotency_key"
WORKER = "agentops.worker"
POLICY_VERSION = "agentops.policy.version"
VERDICT = "agentops.policy.verdict"
REASONS = "agentops.policy.reasons"
REQUEST = "agentops.approval.request"
DECISION = "agentops.approval.decision"
DECIDED_BY = "agentops.approval.decided_by"
REQUEST_ID = "agentops.request.id"
USER = "agentops.user"
