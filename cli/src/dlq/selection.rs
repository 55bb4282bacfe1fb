//! Which messages a command is about.

use anyhow::bail;

use super::letter::{Kind, Letter};

/// How much of an id must be given.
const SHORTEST_ID: usize = 4;

/// Which messages: all conditions that are given must hold.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// The message with this id, or the only one whose id starts so (four characters or more; may be
    /// repeated).
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
    /// Messages whose reason contains this, in capitals or not.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Messages that failed for good, or that ran out of tries.
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Messages about this post, `<network>#<post id>`.
    #[arg(long, value_name = "POST")]
    post: Option<String>,
    /// Messages that can't be decoded, too; alone: only those.
    #[arg(long)]
    undecodable: bool,
    /// Every message.
    #[arg(long, conflicts_with_all = ["ids", "reason", "kind", "post"])]
    all: bool,
}

impl Selection {
    /// Nothing is chosen by omission.
    ///
    /// # Errors
    /// When no condition is given, or an id is too short to name a message.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.is_empty() {
            bail!("which messages? Say --id, --reason, --kind, --post, --undecodable or --all");
        }
        match self.ids.iter().find(|id| id.chars().count() < SHORTEST_ID) {
            Some(id) => bail!("the id `{id}` is too short: give at least {SHORTEST_ID} characters of it"),
            None => Ok(()),
        }
    }

    /// Whether no condition is given.
    pub(super) fn is_empty(&self) -> bool {
        !self.all && !self.undecodable && self.is_open()
    }

    /// Whether no condition but `--undecodable` and `--all` is given.
    fn is_open(&self) -> bool {
        self.ids.is_empty() && self.reason.is_none() && self.kind.is_none() && self.post.is_none()
    }

    /// Whether messages are named one by one.
    pub(super) fn is_by_id(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Whether the conditions hold for a message, whether or not it can be decoded.
    pub(super) fn chooses(&self, letter: &Letter) -> bool {
        if self.undecodable && !self.all && self.is_open() {
            return !letter.is_readable();
        }
        let is_named = self.ids.is_empty() || self.ids.iter().any(|id| letter.id.starts_with(id));
        let contains = |part: &String| letter.reason().to_lowercase().contains(&part.to_lowercase());
        is_named
            && self.reason.as_ref().is_none_or(contains)
            && self.kind.is_none_or(|kind| kind == letter.kind())
            && self.post.as_ref().is_none_or(|post| letter.post().as_ref() == Some(post))
    }

    /// Whether a message is to be sent on: one that can't be decoded only where somebody named it, because
    /// it would come straight back.
    pub(super) fn sends(&self, letter: &Letter) -> bool {
        self.chooses(letter) && (letter.is_readable() || self.undecodable || self.is_by_id())
    }

    /// Refuses an id that several messages start with, and one that no message has.
    ///
    /// # Errors
    /// When there is such an id.
    pub(super) fn check_ids<'a>(
        &self,
        letters: impl Iterator<Item = &'a Letter> + Clone,
    ) -> anyhow::Result<()> {
        for id in &self.ids {
            match letters.clone().filter(|letter| letter.id.starts_with(id)).count() {
                0 => bail!(
                    "no message whose id starts with `{id}` was seen. `hashcart dlq list` shows what is there; what \
                     somebody else looks at is hidden for a minute at most"
                ),
                1 => {}
                many => bail!("the ids of {many} messages start with `{id}`: give more of it"),
            }
        }
        Ok(())
    }
}

/// One message by its id or the beginning of it.
///
/// # Errors
/// When the id is too short.
pub(super) fn one(id: &str) -> anyhow::Result<Selection> {
    let selection = Selection { ids: vec![id.to_owned()], ..Selection::default() };
    selection.check().map(|()| selection)
}
