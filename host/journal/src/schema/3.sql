-- What goes the other way: calls that a CRM or a web page asks for, names that phone systems are told, and the events that
-- plugins copy elsewhere.

-- Calls to be made. Whoever asks twice with the same key asks once.
CREATE TABLE dials (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  origin  TEXT NOT NULL,                    -- the plugin or the endpoint that asked
  key     TEXT NOT NULL,                    -- what the origin knows the order by
  pbx     TEXT NOT NULL,
  number  TEXT,                             -- the number to be called, in E.164 if it has that form
  state   TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  record  TEXT NOT NULL,
  UNIQUE (origin, key)
);
CREATE INDEX dials_state ON dials (state);
CREATE INDEX dials_number ON dials (number) WHERE number IS NOT NULL;
CREATE INDEX dials_changed ON dials (changed);

-- Who sits at which extension, as a phone system last said.
CREATE TABLE sites (
  pbx    TEXT PRIMARY KEY,
  told   INTEGER NOT NULL,
  record TEXT NOT NULL
) WITHOUT ROWID;

-- Whom a CRM knows under a number, as it last said.
CREATE TABLE phonebook (
  plugin   TEXT NOT NULL,
  number   TEXT NOT NULL,                   -- E.164
  found    INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  contacts TEXT NOT NULL,
  PRIMARY KEY (plugin, number)
) WITHOUT ROWID;
CREATE INDEX phonebook_number ON phonebook (number);
CREATE INDEX phonebook_found ON phonebook (found);
CREATE INDEX phonebook_expires ON phonebook (expires);

-- Events that a plugin has yet to copy elsewhere, in the order in which they were accepted.
CREATE TABLE feed (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  plugin TEXT NOT NULL,
  call   INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  seq    INTEGER NOT NULL,                  -- of the event
  record TEXT NOT NULL                      -- the call as the plugin sees it
);
CREATE INDEX feed_plugin ON feed (plugin, id);
CREATE INDEX feed_call ON feed (call);

-- How far each plugin is.
CREATE TABLE feeds (
  plugin   TEXT PRIMARY KEY,
  waiting  INTEGER NOT NULL DEFAULT 0,
  bytes    INTEGER NOT NULL DEFAULT 0,
  lost     INTEGER NOT NULL DEFAULT 0,      -- events for which there was no room
  last     INTEGER,                         -- the last event of the batch that is tried
  alone    INTEGER NOT NULL DEFAULT 0,      -- up to this event each is a batch of its own
  attempt  INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  due      INTEGER NOT NULL DEFAULT 0,
  held     INTEGER NOT NULL DEFAULT 0,      -- until somebody decides
  problem  TEXT
) WITHOUT ROWID;
CREATE TRIGGER feed_grows AFTER INSERT ON feed BEGIN
  INSERT INTO feeds (plugin, waiting, bytes) VALUES (new.plugin, 1, octet_length(new.record))
  ON CONFLICT DO UPDATE SET waiting = waiting + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER feed_shrinks AFTER DELETE ON feed BEGIN
  UPDATE feeds SET waiting = waiting - 1, bytes = bytes - octet_length(old.record) WHERE plugin = old.plugin;
END;

-- Which events a run delivered or tried to, so that the run is forgotten with any of their calls.
CREATE TABLE deliveries (
  run   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  call  INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  PRIMARY KEY (run, call)
) WITHOUT ROWID;
CREATE INDEX deliveries_call ON deliveries (call);
CREATE INDEX deliveries_last ON deliveries (last);
CREATE TRIGGER deliveries_go AFTER DELETE ON deliveries BEGIN
  DELETE FROM runs WHERE id = old.run;
END;

-- Values of plugins keep the type they were put with. A column of type ANY would make a number of a text that looks like
-- one, in a table that is not strict.
CREATE TABLE storage_kept (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  plugin  TEXT NOT NULL,
  call    INTEGER REFERENCES calls ON DELETE CASCADE,
  key     TEXT NOT NULL,
  value   BLOB NOT NULL,                    -- text or blob, as it was put
  size    INTEGER NOT NULL,
  expires INTEGER
);
INSERT INTO storage_kept
  SELECT id, plugin, call, key, iif(typeof(value) IN ('text', 'blob'), value, CAST(value AS TEXT)), size, expires
  FROM storage;
DELETE FROM sqlite_sequence WHERE name = 'storage_kept';
INSERT INTO sqlite_sequence (name, seq) SELECT 'storage_kept', seq FROM sqlite_sequence WHERE name = 'storage';
DROP TABLE storage;
ALTER TABLE storage_kept RENAME TO storage;
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
