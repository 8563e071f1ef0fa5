-- A journal as format 1 wrote it: two calls, and work of every kind.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('schema',1);
INSERT INTO meta VALUES('syncs',2);
CREATE TABLE calls (
  id        INTEGER PRIMARY KEY,
  pbx       TEXT NOT NULL,
  chain     TEXT NOT NULL,
  direction TEXT NOT NULL,
  outcome   TEXT,                           -- of calls that are over
  open      INTEGER NOT NULL,
  merged    INTEGER NOT NULL,               -- turned out to be a part of another call
  number    TEXT,                           -- the outside party's, normalised
  digits    TEXT NOT NULL,                  -- of the number in both spellings, for searching
  seq       INTEGER NOT NULL,               -- of the last event
  started   INTEGER NOT NULL,
  changed   INTEGER NOT NULL,
  record    TEXT NOT NULL,
  UNIQUE (pbx, chain)
);
INSERT INTO calls VALUES(1,'office','chain-0','inbound',NULL,1,0,'+4930123456','4930123456 030123456',26,100,100,'{"pbx":"office","chain":"chain-0","direction":"inbound","state":"ringing","external":"030 123456","external_name":"","line":"4930999","trunk":"sip","from":null,"target":null,"crm_call":null,"queues":["sales"],"agents":[],"leg":0,"transfer":null,"awaiting_target":false,"voicemail":false,"abandoned":false,"recordings":[],"started":100,"changed":100,"answered":null,"ended":null,"merged_into":null,"seq":26}');
INSERT INTO calls VALUES(2,'office','chain-1','inbound',NULL,1,0,'+4930123456','4930123456 030123456',26,100,100,'{"pbx":"office","chain":"chain-1","direction":"inbound","state":"ringing","external":"030 123456","external_name":"","line":"4930999","trunk":"sip","from":null,"target":null,"crm_call":null,"queues":["sales"],"agents":[],"leg":0,"transfer":null,"awaiting_target":false,"voicemail":false,"abandoned":false,"recordings":[],"started":100,"changed":100,"answered":null,"ended":null,"merged_into":null,"seq":26}');
CREATE TABLE events (
  call   INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  seq    INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (call, seq)
) WITHOUT ROWID;
INSERT INTO events VALUES(1,1,'{"pbx":"office","chain":"chain-0","seq":1,"leg":0,"at":1001,"confidence":"reported","event":"queued","queue":"queue 1"}');
INSERT INTO events VALUES(1,2,'{"pbx":"office","chain":"chain-0","seq":2,"leg":0,"at":1002,"confidence":"reported","event":"queued","queue":"queue 2"}');
INSERT INTO events VALUES(1,3,'{"pbx":"office","chain":"chain-0","seq":3,"leg":0,"at":1003,"confidence":"reported","event":"queued","queue":"queue 3"}');
INSERT INTO events VALUES(1,4,'{"pbx":"office","chain":"chain-0","seq":4,"leg":0,"at":1004,"confidence":"reported","event":"queued","queue":"queue 4"}');
INSERT INTO events VALUES(2,1,'{"pbx":"office","chain":"chain-1","seq":1,"leg":0,"at":1001,"confidence":"reported","event":"queued","queue":"queue 1"}');
INSERT INTO events VALUES(2,2,'{"pbx":"office","chain":"chain-1","seq":2,"leg":0,"at":1002,"confidence":"reported","event":"queued","queue":"queue 2"}');
INSERT INTO events VALUES(2,3,'{"pbx":"office","chain":"chain-1","seq":3,"leg":0,"at":1003,"confidence":"reported","event":"queued","queue":"queue 3"}');
INSERT INTO events VALUES(2,4,'{"pbx":"office","chain":"chain-1","seq":4,"leg":0,"at":1004,"confidence":"reported","event":"queued","queue":"queue 4"}');
CREATE TABLE jobs (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  call      INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  plugin    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  state     TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'parked', 'skipped')),
  attempt   INTEGER NOT NULL DEFAULT 0,
  due       INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  finished  INTEGER,
  component TEXT,
  problem   TEXT,
  result    TEXT
);
INSERT INTO jobs VALUES(1,1,'crm','1','running',1,5000,100,NULL,'sha256:aa',NULL,NULL);
INSERT INTO jobs VALUES(2,2,'crm','1','parked',3,5000,100,7000,NULL,'portal says no',NULL);
INSERT INTO jobs VALUES(3,1,'crm','2','waiting',0,5000,100,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(4,2,'crm','2','done',1,5000,100,7001,NULL,NULL,'{"id":"42"}');
INSERT INTO jobs VALUES(5,1,'crm','3','waiting',0,5000,100,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(6,2,'crm','3','waiting',0,5000,100,NULL,NULL,NULL,NULL);
CREATE TABLE dossiers (
  call   INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  plugin TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (call, plugin)
) WITHOUT ROWID;
INSERT INTO dossiers VALUES(1,'crm','{"begun":"7"}');
CREATE TABLE runs (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  job          INTEGER REFERENCES jobs ON DELETE CASCADE,
  call         INTEGER REFERENCES calls ON DELETE CASCADE,
  plugin       TEXT NOT NULL,
  function     TEXT NOT NULL,
  attempt      INTEGER NOT NULL,
  input        TEXT,
  started      INTEGER NOT NULL,
  wall_us      INTEGER,
  cpu_us       INTEGER,
  memory_bytes INTEGER,
  outcome      TEXT,
  problem      TEXT
);
INSERT INTO runs VALUES(1,1,1,'crm','journal.write',1,NULL,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO runs VALUES(2,NULL,2,'crm','journal.write',1,NULL,1,NULL,NULL,NULL,NULL,NULL);
INSERT INTO runs VALUES(3,NULL,1,'crm','journal.write',1,NULL,2,NULL,NULL,NULL,NULL,NULL);
INSERT INTO runs VALUES(4,NULL,2,'crm','journal.write',1,NULL,2,NULL,NULL,NULL,NULL,NULL);
INSERT INTO runs VALUES(5,NULL,1,'crm','journal.write',1,NULL,3,NULL,NULL,NULL,NULL,NULL);
INSERT INTO runs VALUES(6,NULL,2,'crm','journal.write',1,NULL,3,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE requests (
  id              INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  ordinal         INTEGER NOT NULL,
  at              INTEGER NOT NULL,
  kind            TEXT NOT NULL,
  effect          TEXT NOT NULL CHECK (effect IN ('read', 'idempotent', 'once')),
  method          TEXT NOT NULL,
  url             TEXT NOT NULL,
  key             TEXT,
  headers         TEXT NOT NULL,
  body            BLOB NOT NULL,            -- whole, or the beginning of a large one
  body_size       INTEGER NOT NULL,
  body_sha256     BLOB NOT NULL,
  rule            TEXT,
  answered        INTEGER,
  status          INTEGER,
  answer_headers  TEXT,
  answer_body     BLOB,
  answer_size     INTEGER,
  answer_sha256   BLOB,
  error           TEXT,
  error_text      TEXT,
  timings         TEXT,
  UNIQUE (run, ordinal)
);
INSERT INTO requests VALUES(1,1,1,1,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO requests VALUES(2,2,1,1,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO requests VALUES(3,3,1,2,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO requests VALUES(4,4,1,2,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO requests VALUES(5,5,1,3,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO requests VALUES(6,6,1,3,'http','once','POST','crm.lead.add',NULL,'[]',X'7b7d',2,X'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE storage (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  plugin  TEXT NOT NULL,
  call    INTEGER REFERENCES calls ON DELETE CASCADE,
  key     TEXT NOT NULL,
  value   ANY NOT NULL,                     -- text or blob, as it was put
  size    INTEGER NOT NULL,
  expires INTEGER
);
INSERT INTO storage VALUES(1,'crm',1,'seen','yes',7,NULL);
CREATE TABLE storage_use (
  plugin TEXT PRIMARY KEY,
  keys   INTEGER NOT NULL,
  bytes  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO storage_use VALUES('crm',1,7);
CREATE TABLE directories (
  plugin  TEXT PRIMARY KEY,
  fetched INTEGER NOT NULL,
  record  TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO directories VALUES('crm',5,'[]');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',52);
INSERT INTO sqlite_sequence VALUES('runs',51);
INSERT INTO sqlite_sequence VALUES('storage',1);
CREATE INDEX calls_started ON calls (started);
CREATE INDEX calls_chain ON calls (chain);
CREATE INDEX calls_changed ON calls (open, changed);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
  SELECT raise(ABORT, 'events never change');
END;
CREATE INDEX jobs_call ON jobs (call, plugin, id);
CREATE INDEX jobs_unfinished ON jobs (call) WHERE state IN ('waiting', 'running', 'parked');
CREATE INDEX runs_job ON runs (job) WHERE job IS NOT NULL;
CREATE INDEX runs_call ON runs (call) WHERE call IS NOT NULL;
CREATE UNIQUE INDEX storage_key ON storage (plugin, ifnull(call, 0), key);
CREATE INDEX storage_call ON storage (call) WHERE call IS NOT NULL;
CREATE INDEX storage_expires ON storage (expires) WHERE expires IS NOT NULL;
CREATE TRIGGER storage_grows AFTER INSERT ON storage BEGIN
  INSERT INTO storage_use VALUES (new.plugin, 1, new.size)
  ON CONFLICT DO UPDATE SET keys = keys + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER storage_shrinks AFTER DELETE ON storage BEGIN
  UPDATE storage_use SET keys = keys - 1, bytes = bytes - old.size WHERE plugin = old.plugin;
END;
COMMIT;
PRAGMA application_id = 1215262571;
