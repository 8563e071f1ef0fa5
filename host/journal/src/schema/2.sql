-- What retries, resumption and the commands on jobs need.

-- Tries that failed since somebody last asked for one; waiting for a key is not a failure.
ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

ALTER TABLE runs ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN build TEXT;     -- which component and settings ran, in the words of the caller

-- In the order in which a plugin works them off. The jobs of one call are found by jobs_call.
DROP INDEX jobs_unfinished;
CREATE INDEX jobs_unfinished ON jobs (plugin, call) WHERE state IN ('waiting', 'running', 'parked');

-- By the number, and by the digits of one that could not be normalised.
CREATE INDEX calls_number ON calls (number) WHERE number IS NOT NULL;
CREATE INDEX calls_spelled ON calls (digits) WHERE number IS NULL;

-- So that retention finds at once that nothing is old enough.
CREATE INDEX runs_started ON runs (started);
