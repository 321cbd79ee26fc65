"""Every name that clearspan emits, and the bucket lists: literals, pinned to one version.

The vocabulary is that of the GenAI conventions' own repository as of November 2026 (attributes),
with the metric names of conventions 1.37 to 1.41 (`current`) and the proposed ones (`next`).
Nothing is imported from `opentelemetry.semconv._incubating`: all of it is deprecated there.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
SCOPE: Final = "clearspan"

# General
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
SESSION_ID: Final = "session.id"
USER_ID: Final = "user.id"
CODE_FUNCTION_NAME: Final = "code.function.name"

# GenAI: identity and request
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"
OUTPUT_TYPE: Final = "gen_ai.output.type"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_STREAM_CURSOR: Final = "gen_ai.request.stream_cursor"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
PROMPT_VARIABLE: Final = "gen_ai.prompt.variable."

# GenAI: response and usage
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_STATUS: Final = "gen_ai.response.status"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE_TEXT_INPUT: Final = "gen_ai.usage.text.input_tokens"
USAGE_IMAGE_INPUT: Final = "gen_ai.usage.image.input_tokens"
USAGE_AUDIO_INPUT: Final = "gen_ai.usage.audio.input_tokens"
USAGE_TEXT_OUTPUT: Final = "gen_ai.usage.text.output_tokens"
USAGE_IMAGE_OUTPUT: Final = "gen_ai.usage.image.output_tokens"
USAGE_AUDIO_OUTPUT: Final = "gen_ai.usage.audio.output_tokens"

# GenAI: content
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"

# GenAI: tools, agents, workflows, retrieval
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_ID: Final = "gen_ai.agent.id"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
RETRIEVAL_QUERY_TEXT: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_TOP_K: Final = "gen_ai.retrieval.top_k"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 -- an attribute's name, no secret
TOKEN_MODALITY: Final = "gen_ai.token.modality"  # noqa: S105 -- an attribute's name, no secret

# OpenAI
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"

# Our own
INPUT: Final = "clearspan.input"
OUTPUT: Final = "clearspan.output"
STEP_NAME: Final = "clearspan.step.name"
OUTCOME: Final = "clearspan.outcome"
USAGE_SOURCE: Final = "clearspan.usage.source"
USAGE_INPUT_SOURCE: Final = "clearspan.usage.input.source"
USAGE_OUTPUT_SOURCE: Final = "clearspan.usage.output.source"
TIME_TO_FIRST_CONTENT: Final = "clearspan.response.time_to_first_content"
CHUNK_COUNT: Final = "clearspan.response.chunk_count"
RETRY_COUNT: Final = "clearspan.request.retry_count"
RETRY_WAIT: Final = "clearspan.request.retry_wait"
REQUEST_ID: Final = "clearspan.response.request_id"
PROCESSING_TIME: Final = "clearspan.response.processing_time"
HTTP_STATUS: Final = "clearspan.response.http_status"
LOGPROBS: Final = "clearspan.response.logprobs"
RATE_LIMIT: Final = "clearspan.rate_limit."
RATE_LIMIT_KIND: Final = "clearspan.rate_limit.kind"
RATE_LIMIT_WINDOW: Final = "clearspan.rate_limit.window"
RETRY_AFTER: Final = "clearspan.rate_limit.retry_after"
ACCEPTED_PREDICTION_TOKENS: Final = "clearspan.usage.accepted_prediction_tokens"
REJECTED_PREDICTION_TOKENS: Final = "clearspan.usage.rejected_prediction_tokens"
AUDIO_SECONDS: Final = "clearspan.usage.audio_seconds"
INPUT_COUNT: Final = "clearspan.request.input_count"
OUTPUT_COUNT: Final = "clearspan.response.output_count"
RESPONSE_FORMAT: Final = "clearspan.request.response_format"
MODERATION_FLAGGED: Final = "clearspan.moderation.flagged"
BATCH_STATUS: Final = "clearspan.batch.status"
PHASE: Final = "clearspan.phase"
PHASES: Final = ("queue", "load", "tokenize", "prefill", "decode", "detokenize", "total")
DECODE_RATE: Final = "clearspan.decode.rate"
OUTPUT_RATE: Final = "clearspan.response.output_rate"
GAP_MEDIAN: Final = "clearspan.response.gap.median"
GAP_P95: Final = "clearspan.response.gap.p95"
GAP_LONGEST: Final = "clearspan.response.gap.longest"
CONTENT_LOST: Final = "clearspan.content.lost"
ATTRIBUTES_LEFT_OUT: Final = "clearspan.attributes.left_out"
TASK_NAME: Final = "clearspan.task"
HF_INFERENCE_PROVIDER: Final = "clearspan.huggingface.inference_provider"
TAGS: Final = "clearspan.tags"
METADATA: Final = "clearspan.metadata."
VARIANT: Final = "clearspan.variant."

# Local models
MODEL_CLASS: Final = "clearspan.model.class"
MODEL_PARAMETERS: Final = "clearspan.model.parameters"
MODEL_DTYPE: Final = "clearspan.model.dtype"
MODEL_DEVICE: Final = "clearspan.model.device"
MODEL_DEVICE_MAP: Final = "clearspan.model.device_map"
MODEL_QUANTIZATION: Final = "clearspan.model.quantization"
MODEL_ATTENTION: Final = "clearspan.model.attention"
REQUEST_DECODING: Final = "clearspan.request.decoding"
FAILED_COUNT: Final = "clearspan.response.failed_count"

# Cost
COST_TOTAL: Final = "clearspan.cost.total"
COST_INPUT: Final = "clearspan.cost.input"
COST_OUTPUT: Final = "clearspan.cost.output"
COST_CACHE_READ: Final = "clearspan.cost.cache_read"
COST_CACHE_WRITE: Final = "clearspan.cost.cache_write"
COST_CURRENCY: Final = "clearspan.cost.currency"
COST_PRICED_ON: Final = "clearspan.cost.priced_on"
COST_SOURCE: Final = "clearspan.cost.source"
COST_ESTIMATED: Final = "clearspan.cost.estimated"

# Token level
CONFIDENCE_TOKENS: Final = "clearspan.confidence.tokens"
CONFIDENCE_MEAN: Final = "clearspan.confidence.logprob.mean"
CONFIDENCE_LEAST: Final = "clearspan.confidence.logprob.min"
CONFIDENCE_PERPLEXITY: Final = "clearspan.confidence.perplexity"
CONFIDENCE_ENTROPY: Final = "clearspan.confidence.entropy"
CONFIDENCE_LOW: Final = "clearspan.confidence.low.share"
CONFIDENCE_LOW_POSITIONS: Final = "clearspan.confidence.low.positions"
CONFIDENCE_EXACT: Final = "clearspan.confidence.exact"

# Texts as a tokenizer sees them
TEXT_INPUT_DENSITY: Final = "clearspan.text.input.tokens_per_character"
TEXT_INPUT_UNKNOWN: Final = "clearspan.text.input.unknown_share"
TEXT_INPUT_RARE: Final = "clearspan.text.input.rare_share"
TEXT_OUTPUT_DENSITY: Final = "clearspan.text.output.tokens_per_character"
TEXT_OUTPUT_UNKNOWN: Final = "clearspan.text.output.unknown_share"
TEXT_OUTPUT_RARE: Final = "clearspan.text.output.rare_share"

# What a call used of the accelerators: namespaced, since the conventions' `hw.*` are of devices, not of calls
HARDWARE_DEVICES: Final = "clearspan.hardware.devices"
HARDWARE_UTILIZATION: Final = "clearspan.hardware.utilization.mean"
HARDWARE_UTILIZATION_PEAK: Final = "clearspan.hardware.utilization.peak"
HARDWARE_MEMORY_PEAK: Final = "clearspan.hardware.memory.peak"
HARDWARE_ALLOCATOR_PEAK: Final = "clearspan.hardware.allocator.peak"
HARDWARE_ENERGY: Final = "clearspan.hardware.energy"
HARDWARE_ENERGY_PER_TOKEN: Final = "clearspan.hardware.energy_per_token"  # noqa: S105 -- an attribute's name, no secret
HARDWARE_ATTRIBUTION: Final = "clearspan.hardware.attribution"
HARDWARE_SHARE: Final = "clearspan.hardware.share"
HARDWARE_MODELS: Final = "clearspan.hardware.models"

# Events
EVENT_DETAILS: Final = "gen_ai.client.inference.operation.details"
EVENT_EXCEPTION: Final = "gen_ai.client.operation.exception"
EVENT_EVALUATION: Final = "gen_ai.evaluation.result"

# Evaluations: the convention's names, and ours for what it has none for
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_VALUE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
EVALUATION_KIND: Final = "clearspan.evaluation.kind"
EVALUATION_LEVEL: Final = "clearspan.evaluation.level"
EVALUATION_DIRECTION: Final = "clearspan.evaluation.direction"
EVALUATION_MIN: Final = "clearspan.evaluation.range.min"
EVALUATION_MAX: Final = "clearspan.evaluation.range.max"
EVALUATION_THRESHOLD: Final = "clearspan.evaluation.threshold"
EVALUATION_PASSED: Final = "clearspan.evaluation.passed"
EVALUATION_VERSION: Final = "clearspan.evaluation.version"
EVALUATION_SKIPPED: Final = "clearspan.evaluation.skipped.reason"
EVALUATION_COST: Final = "clearspan.evaluation.result.cost"
EVALUATION_DURATION: Final = "clearspan.evaluation.result.duration"
EVALUATION_METADATA: Final = "clearspan.evaluation.metadata"
EVALUATION_IDENTITY: Final = "clearspan.evaluation.identity"
EVALUATION_KEY: Final = "clearspan.evaluation.target.key"
GUARD_ACTION: Final = "clearspan.guard.action"

# Buckets: boundaries as the conventions list them
DURATION_BUCKETS: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
TOKEN_BUCKETS: Final = (
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
)  # fmt: skip
AGENT_BUCKETS: Final = (
    0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6,
)  # fmt: skip
WORKFLOW_BUCKETS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
PHASE_BUCKETS: Final = (
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
RATE_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
FIRST_TOKEN_BUCKETS: Final = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
OUTPUT_TOKEN_BUCKETS: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
)  # fmt: skip
SCORE_BUCKETS: Final = (
    0.0,
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    0.95,
    1.0,
    2,
    3,
    4,
    5,
    10,
    100,
)
COUNT_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128)

# Metrics, vocabulary `current`
METRIC_TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 -- a metric's name, no secret
METRIC_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
METRIC_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
METRIC_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.operation.time_per_output_chunk"
METRIC_EXECUTE_TOOL_DURATION: Final = "gen_ai.execute_tool.duration"
METRIC_INVOKE_AGENT_DURATION: Final = "gen_ai.invoke_agent.duration"
METRIC_INVOKE_WORKFLOW_DURATION: Final = "gen_ai.invoke_workflow.duration"
METRIC_AGENT_INFERENCE_CALLS: Final = "gen_ai.invoke_agent.inference_calls"
METRIC_AGENT_TOOL_CALLS: Final = "gen_ai.invoke_agent.tool_calls"

# Metrics, vocabulary `next`
METRIC_INFERENCE_DURATION: Final = "gen_ai.client.inference.duration"
METRIC_INFERENCE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.inference.time_to_first_chunk"
METRIC_INFERENCE_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.inference.time_per_output_chunk"
METRIC_INFERENCE_INPUT_TOKENS: Final = "gen_ai.client.inference.usage.input_tokens"
METRIC_INFERENCE_OUTPUT_TOKENS: Final = "gen_ai.client.inference.usage.output_tokens"
METRIC_INFERENCE_CACHE_READ: Final = "gen_ai.client.inference.usage.cache_read.input_tokens"
METRIC_INFERENCE_CACHE_WRITE: Final = "gen_ai.client.inference.usage.cache_write.input_tokens"
METRIC_INFERENCE_REASONING: Final = "gen_ai.client.inference.usage.reasoning.output_tokens"
METRIC_INFERENCE_OPERATION_INPUT: Final = "gen_ai.client.inference.operation.input_tokens"
METRIC_INFERENCE_OPERATION_OUTPUT: Final = "gen_ai.client.inference.operation.output_tokens"

# Metrics of who runs the model: emitted for models in this process
METRIC_SERVER_TIME_TO_FIRST_TOKEN: Final = "gen_ai.server.time_to_first_token"  # noqa: S105 -- a metric's name, no secret
METRIC_SERVER_TIME_PER_OUTPUT_TOKEN: Final = "gen_ai.server.time_per_output_token"  # noqa: S105 -- a metric's name, no secret

# Our own metrics
METRIC_TIME_TO_FIRST_CONTENT: Final = "clearspan.client.operation.time_to_first_content"
METRIC_PHASE_DURATION: Final = "clearspan.client.operation.phase.duration"
METRIC_DECODE_RATE: Final = "clearspan.client.operation.decode.rate"
METRIC_COST: Final = "clearspan.client.operation.cost"
METRIC_OUTPUT_RATE: Final = "clearspan.client.operation.output.rate"
METRIC_ENERGY: Final = "clearspan.client.operation.energy"
METRIC_OPERATION_COUNT: Final = "clearspan.client.operation.count"
METRIC_RETRIES: Final = "clearspan.client.operation.retries"
METRIC_ACTIVE_CALLS: Final = "clearspan.client.active_calls"
METRIC_RATE_LIMIT: Final = "clearspan.client.rate_limit.limit"
METRIC_RATE_LIMIT_REMAINING: Final = "clearspan.client.rate_limit.remaining"
METRIC_RATE_LIMIT_RESET: Final = "clearspan.client.rate_limit.reset"
METRIC_RETRY_AFTER: Final = "clearspan.client.rate_limit.retry_after"

# Evaluations: no convention names a metric for them yet
METRIC_EVALUATION_SCORE: Final = "clearspan.evaluation.score"
METRIC_EVALUATION_RESULTS: Final = "clearspan.evaluation.results"
METRIC_EVALUATION_ERRORS: Final = "clearspan.evaluation.errors"
METRIC_EVALUATION_SKIPPED: Final = "clearspan.evaluation.skipped"
METRIC_EVALUATION_DURATION: Final = "clearspan.evaluation.duration"
METRIC_EVALUATION_COST: Final = "clearspan.evaluation.cost"

# What a metric's series beyond the limit are gathered under, as OpenTelemetry has it
METRIC_OVERFLOW: Final = "otel.metric.overflow"

# The doings of an SDK, as OpenTelemetry's conventions have them (in development)
METRIC_SPANS_STARTED: Final = "otel.sdk.span.started"
METRIC_SPANS_LIVE: Final = "otel.sdk.span.live"
METRIC_SPANS_PROCESSED: Final = "otel.sdk.processor.span.processed"
METRIC_SPANS_EXPORTED: Final = "otel.sdk.exporter.span.exported"
METRIC_EVENTS_EXPORTED: Final = "otel.sdk.exporter.log.exported"
METRIC_POINTS_EXPORTED: Final = "otel.sdk.exporter.metric_data_point.exported"
METRIC_SPAN_QUEUE_SIZE: Final = "otel.sdk.processor.span.queue.size"
METRIC_SPAN_QUEUE_CAPACITY: Final = "otel.sdk.processor.span.queue.capacity"
METRIC_EVENT_QUEUE_SIZE: Final = "otel.sdk.processor.log.queue.size"
METRIC_EVENT_QUEUE_CAPACITY: Final = "otel.sdk.processor.log.queue.capacity"
COMPONENT_NAME: Final = "otel.component.name"

# No convention counts what else than spans waits to be worked on
METRIC_WORK_QUEUE_SIZE: Final = "clearspan.queue.size"
METRIC_WORK_QUEUE_CAPACITY: Final = "clearspan.queue.capacity"
