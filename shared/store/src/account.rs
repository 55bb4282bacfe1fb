//! An account on a network, as the tables name it.

use domain::command::Shopper;
use domain::ids::{NetworkId, UserId};

/// An account on a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The network. Its id holds no `#` and is none of `email`, `session`, `once`: those start other
    /// keys of the table.
    pub network: NetworkId,
    /// The account there.
    pub user: UserId,
}

impl Account {
    /// An account by its two names.
    pub fn new(network: NetworkId, user: UserId) -> Self {
        Self { network, user }
    }

    /// The account of a shopper who isn't known as a customer.
    pub fn of(shopper: &Shopper) -> Option<Self> {
        match shopper {
            Shopper::Account { network, user } => Some(Self::new(network.clone(), user.clone())),
            Shopper::Customer(_) => None,
        }
    }

    /// `<network>#<user>`: the partition key of the account's items.
    pub(crate) fn key(&self) -> String {
        format!("{}#{}", self.network, self.user)
    }

    /// Reads what [`Self::key`] writes; the user's id may hold `#`, the network's can't.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let (network, user) = key.split_once('#')?;
        Some(Self::new(NetworkId::new(network), UserId::new(user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        let account = Account::new("x".into(), "a#b".into());
        assert_eq!(Account::parse(&account.key()), Some(account));
        assert_eq!(Account::parse("x"), None);
    }
}
