//! Ready descriptions, through the door that phone systems post to.
