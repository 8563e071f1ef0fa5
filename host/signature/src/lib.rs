//! Signatures of messages: computed for those that leave, checked in constant time on those that come in. Pure.
