//! The sapo command.
