-- Times are milliseconds since 1970, UTC. `record` columns hold JSON; what stands beside them is there to be searched.

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
CREATE INDEX calls_started ON calls (started);
CREATE INDEX calls_chain ON calls (chain);
CREATE INDEX calls_changed ON calls (open, changed);

CREATE TABLE events (
  call   INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  seq    INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (call, seq)
) WITHOUT ROWID;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
  SELECT raise(ABORT, 'events never change');
END;

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
CREATE INDEX jobs_call ON jobs (call, plugin, id);
CREATE INDEX jobs_unfinished ON jobs (call) WHERE state IN ('waiting', 'running', 'parked');

CREATE TABLE dossiers (
  call   INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  plugin TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (call, plugin)
) WITHOUT ROWID;

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
CREATE INDEX runs_job ON runs (job) WHERE job IS NOT NULL;
CREATE INDEX runs_call ON runs (call) WHERE call IS NOT NULL;

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

-- The id is the revision: a key that is written again gets a new row.
CREATE TABLE storage (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  plugin  TEXT NOT NULL,
  call    INTEGER REFERENCES calls ON DELETE CASCADE,
  key     TEXT NOT NULL,
  value   ANY NOT NULL,                     -- text or blob, as it was put
  size    INTEGER NOT NULL,
  expires INTEGER
);
CREATE UNIQUE INDEX storage_key ON storage (plugin, ifnull(call, 0), key);
CREATE INDEX storage_call ON storage (call) WHERE call IS NOT NULL;
CREATE INDEX storage_expires ON storage (expires) WHERE expires IS NOT NULL;

CREATE TABLE storage_use (
  plugin TEXT PRIMARY KEY,
  keys   INTEGER NOT NULL,
  bytes  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER storage_grows AFTER INSERT ON storage BEGIN
  INSERT INTO storage_use VALUES (new.plugin, 1, new.size)
  ON CONFLICT DO UPDATE SET keys = keys + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER storage_shrinks AFTER DELETE ON storage BEGIN
  UPDATE storage_use SET keys = keys - 1, bytes = bytes - old.size WHERE plugin = old.plugin;
END;

CREATE TABLE directories (
  plugin  TEXT PRIMARY KEY,
  fetched INTEGER NOT NULL,
  record  TEXT NOT NULL
) WITHOUT ROWID;
