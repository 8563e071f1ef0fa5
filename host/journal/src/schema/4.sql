-- Recordings and what was said in them.

-- A file that a phone system has recorded: fetched, made what plugins get, told to them, removed.
CREATE TABLE recordings (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  call     INTEGER NOT NULL REFERENCES calls ON DELETE CASCADE,
  source   TEXT NOT NULL,                   -- as the phone system names it
  leg      INTEGER NOT NULL,
  place    INTEGER NOT NULL,                -- among the files of one leg, from 0
  state    TEXT NOT NULL CHECK (state IN ('awaited', 'fetched', 'ready', 'given-up', 'removed')),
  failures INTEGER NOT NULL DEFAULT 0,
  due      INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  problem  TEXT,
  original TEXT,                            -- SHA-256 of what was fetched, in hexadecimal, as long as it is kept
  file     TEXT,                            -- and of what plugins get
  bytes    INTEGER NOT NULL DEFAULT 0,      -- of both
  facts    TEXT,
  told     INTEGER NOT NULL DEFAULT 0,      -- plugins have their jobs
  spoken   INTEGER NOT NULL DEFAULT 0,      -- the phone system has said words that are not taken over yet
  UNIQUE (call, source)
);
CREATE INDEX recordings_due ON recordings (state, due)
  WHERE state IN ('awaited', 'fetched') OR (state = 'ready' AND NOT told);
CREATE INDEX recordings_spoken ON recordings (id) WHERE spoken;
CREATE INDEX recordings_file ON recordings (file) WHERE file IS NOT NULL;
CREATE INDEX recordings_original ON recordings (original) WHERE original IS NOT NULL;
CREATE INDEX recordings_created ON recordings (created) WHERE file IS NOT NULL OR original IS NOT NULL;

-- Files that stand for a part of a recording, one side of a conversation for instance.
CREATE TABLE recording_parts (
  recording INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
  part      TEXT NOT NULL,
  file      TEXT NOT NULL,
  bytes     INTEGER NOT NULL,
  facts     TEXT NOT NULL,
  PRIMARY KEY (recording, part)
) WITHOUT ROWID;
CREATE INDEX recording_parts_file ON recording_parts (file);

-- The words of a recording.
CREATE TABLE transcripts (
  recording INTEGER PRIMARY KEY REFERENCES recordings ON DELETE CASCADE,
  state     TEXT NOT NULL CHECK (state IN ('pending', 'heard', 'whole')),
  due       INTEGER NOT NULL,
  token     TEXT,                           -- by which the speech plugin knows it
  record    TEXT,
  told      INTEGER NOT NULL DEFAULT 0      -- the jobs that follow are there
);
CREATE INDEX transcripts_due ON transcripts (due) WHERE NOT told;

-- Calls that nobody may forget until somebody lets go of them.
CREATE TABLE holds (
  call   INTEGER PRIMARY KEY REFERENCES calls ON DELETE CASCADE,
  since  INTEGER NOT NULL,
  reason TEXT NOT NULL
);

-- Links that work once, and have worked.
CREATE TABLE used_links (
  nonce   TEXT PRIMARY KEY,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX used_links_expires ON used_links (expires);

-- Who listened.
CREATE TABLE accesses (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  recording INTEGER NOT NULL REFERENCES recordings ON DELETE CASCADE,
  at        INTEGER NOT NULL,
  who       TEXT NOT NULL,                  -- the address
  link      TEXT NOT NULL,                  -- which link, in a few characters
  status    INTEGER NOT NULL,
  range     TEXT NOT NULL
);
CREATE INDEX accesses_recording ON accesses (recording, id);

-- The recording that a job is about.
ALTER TABLE jobs ADD COLUMN recording INTEGER REFERENCES recordings ON DELETE CASCADE;
CREATE INDEX jobs_recording ON jobs (recording) WHERE recording IS NOT NULL;

-- What was said in a call is forgotten with its recording. Nothing else of an event ever changes.
DROP TRIGGER events_never_change;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
WHEN new.call IS NOT old.call OR new.seq IS NOT old.seq OR old.record ->> '$.event' NOT IN ('transcript', 'summary')
  OR new.record IS NOT json_set(old.record, '$.text', '')
BEGIN
  SELECT raise(ABORT, 'events never change');
END;
