//! The keys to CRMs: kept encrypted, renewed in time, never given to a plugin.
