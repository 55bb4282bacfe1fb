//! What is true of the run of all tests before.

use crate::kinds::every_item_is_of_a_kind_with_golden_files;
use crate::logs::{mailboxes_are_told_from_other_words, no_log_tells_what_is_private};
use crate::privilege::roles_allow_what_was_used_and_nothing_else;

tests![
    "afterwards";
    mailboxes_are_told_from_other_words,
    roles_allow_what_was_used_and_nothing_else,
    no_log_tells_what_is_private,
    every_item_is_of_a_kind_with_golden_files,
];
