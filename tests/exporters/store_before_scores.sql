-- A store as clearspan wrote it before there were scores in it.
PRAGMA application_id = 1668051824;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL, name TEXT, severity TEXT, severity_number INTEGER,
        trace_id TEXT, span_id TEXT, body TEXT, attributes TEXT NOT NULL, service TEXT,
        scope TEXT, resource TEXT NOT NULL
    );
INSERT INTO "events" VALUES(1,3000000000,'gen_ai.evaluation.result',NULL,NULL,'00000000000000000000000000000abc','0000000000000001',NULL,'{"gen_ai.evaluation.name":"relevance","gen_ai.evaluation.score.value":0.5,"gen_ai.evaluation.score.label":"middling","gen_ai.evaluation.explanation":"so so"}','shop','kit','{"service.name":"shop","host.cores":4}');
INSERT INTO "events" VALUES(2,3000000001,'gen_ai.evaluation.result',NULL,NULL,NULL,NULL,NULL,'{"gen_ai.evaluation.name":"thumb","gen_ai.evaluation.score.value":1,"gen_ai.response.id":"r-1"}','shop','kit','{"service.name":"shop","host.cores":4}');
INSERT INTO "events" VALUES(3,3000000002,'gen_ai.evaluation.result',NULL,NULL,'00000000000000000000000000000abc','0000000000000001',NULL,'{"gen_ai.evaluation.score.value":1}','shop','kit','{"service.name":"shop","host.cores":4}');
INSERT INTO "events" VALUES(4,3000000003,'other',NULL,NULL,'00000000000000000000000000000abc','0000000000000001',NULL,'{"gen_ai.evaluation.name":"relevance"}','shop','kit','{"service.name":"shop","host.cores":4}');
INSERT INTO "events" VALUES(5,4,'gen_ai.evaluation.result',NULL,NULL,NULL,NULL,NULL,'no JSON',NULL,NULL,'{}');
CREATE TABLE metric_points (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL, start_ns INTEGER, name TEXT NOT NULL, unit TEXT,
        kind TEXT NOT NULL, temporality TEXT, monotonic INTEGER, attributes TEXT NOT NULL,
        value, count INTEGER, sum, min, max, buckets TEXT, bounds TEXT, service TEXT, scope TEXT,
        resource TEXT NOT NULL
    );
CREATE TABLE spans (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT, name TEXT NOT NULL,
        kind TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
        status TEXT NOT NULL, status_message TEXT, service TEXT, scope TEXT, session TEXT,
        user TEXT, operation TEXT, provider TEXT, model TEXT, request_model TEXT,
        input_tokens INTEGER, output_tokens INTEGER, error_type TEXT, attributes TEXT NOT NULL,
        resource TEXT NOT NULL, events TEXT, links TEXT
    );
INSERT INTO "spans" VALUES(1,'00000000000000000000000000000abc','0000000000000001',NULL,'chat m','internal',1000000000,2000000000,'unset',NULL,'shop',NULL,'s-1',NULL,'chat',NULL,'m','m',NULL,NULL,NULL,'{"gen_ai.operation.name":"chat","gen_ai.response.id":"r-1","session.id":"s-1","gen_ai.request.model":"m"}','{"service.name":"shop"}',NULL,NULL);
CREATE TABLE traces (
        trace_id TEXT PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL
    ) WITHOUT ROWID;
INSERT INTO "traces" VALUES('00000000000000000000000000000abc',1000000000,3000000003);
CREATE INDEX traces_start ON traces (start_ns);
CREATE INDEX traces_end ON traces (end_ns);
CREATE UNIQUE INDEX spans_trace ON spans (trace_id, span_id);
CREATE INDEX spans_start ON spans (start_ns);
CREATE INDEX spans_session ON spans (session, trace_id) WHERE session IS NOT NULL;
CREATE INDEX spans_model ON spans (model, trace_id) WHERE model IS NOT NULL;
CREATE INDEX spans_asked ON spans (request_model, trace_id) WHERE request_model IS NOT NULL;
CREATE INDEX spans_failed ON spans (trace_id) WHERE status = 'error';
CREATE INDEX events_trace ON events (trace_id, span_id) WHERE trace_id IS NOT NULL;
CREATE INDEX events_time ON events (time_ns);
CREATE INDEX events_loose ON events (time_ns) WHERE trace_id IS NULL;
CREATE INDEX points_name ON metric_points (name, time_ns);
CREATE INDEX points_time ON metric_points (time_ns);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('spans',1);
INSERT INTO "sqlite_sequence" VALUES('events',5);
COMMIT;
