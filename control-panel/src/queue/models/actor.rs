//! A sender's ways of sending.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc};

use shuttle::thread;

use super::{
    account::{Account, Id, Item, Kind},
    below,
    drive::{Cut, cut},
    stage::Bell,
};
use crate::{
    lifecycle::error::{SendError, TrySendError},
    queue::{IntentSender, Permits},
};

pub(super) struct Actor {
    who: u32,
    made: u32,
    pub(super) sender: IntentSender<Item>,
    account: Arc<Account>,
    bell: Arc<Bell>,
    /// Whether its last intent was made after the queue was closed.
    too_late: bool,
}

/// A send under way, and what comes of it.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Sent> + 'a>>;
pub(super) type Sent = Result<(), SendError<Item>>;

impl Actor {
    pub(super) fn new(who: u32, sender: IntentSender<Item>, account: Arc<Account>, bell: Arc<Bell>) -> Self {
        Self { who, made: 0, sender, account, bell, too_late: false }
    }

    /// Its next intent.
    pub(super) fn item(&mut self, kind: Kind) -> Item {
        let id = (self.who, self.made);
        self.made += 1;
        self.too_late = self.bell.is_closed();
        self.account.item(id, kind)
    }

    /// A local or a clocked one.
    fn any(&mut self) -> Item {
        self.item(if below(4) == 0 { Kind::Clocked } else { Kind::Plain })
    }

    /// Waits until its intent is sent. False if the queue did not take it.
    pub(super) fn send(&mut self) -> bool {
        let item = self.item(Kind::Plain);
        self.send_item(item, Cut::Never)
    }

    pub(super) fn send_item(&self, item: Item, when: Cut) -> bool {
        self.send_by(item, |sending| cut(when, sending))
    }

    /// Sends, driven by `run`. False if the queue did not take it.
    pub(super) fn send_by<'a>(&'a self, item: Item, run: impl FnOnce(Sending<'a>) -> Option<Sent>) -> bool {
        let (id, kind) = (item.id, item.kind);
        match run(Box::pin(self.sender.send(item))) {
            Some(sent) => self.settle(id, kind, sent),
            None => false,
        }
    }

    /// Sends if there is room. False if there is none.
    pub(super) fn try_send(&mut self, kind: Kind) -> bool {
        let item = self.item(kind);
        self.try_send_item(item)
    }

    pub(super) fn try_send_item(&self, item: Item) -> bool {
        let (id, kind) = (item.id, item.kind);
        match self.sender.try_send(item) {
            Ok(()) => {
                self.accepted(id, kind);
                true
            }
            Err(refused) => {
                self.refused(id, refused);
                false
            }
        }
    }

    /// Tries until there is room.
    pub(super) fn insist(&mut self) {
        let mut item = self.item(Kind::Plain);
        let id = item.id;
        loop {
            match self.sender.try_send(item) {
                Ok(()) => return self.accepted(id, Kind::Plain),
                Err(TrySendError::Full(back)) => item = back,
                Err(other) => panic!("{other:?}"),
            }
            thread::yield_now();
        }
    }

    /// Sends in some way.
    pub(super) fn act(&mut self) {
        match below(8) {
            0 => {
                self.send();
            }
            1 | 2 => {
                let item = self.any();
                self.send_item(item, Cut::any());
            }
            3 => {
                let item = self.any();
                let (id, kind) = (item.id, item.kind);
                self.settle(id, kind, self.sender.send_blocking(item));
            }
            4 => {
                self.try_send(Kind::Plain);
            }
            5 => self.send_many(below(3) + 1, Cut::any()),
            6 => {
                let mut items = self.items(below(3) + 1);
                let ids = ids(&items);
                // Once a panel stops, what there is no room for comes back.
                let sent = self.sender.try_send_many(&mut items);
                assert_eq!(sent.is_ok(), items.is_empty());
                self.account_for(&ids, &items);
            }
            _ => {
                let when = Cut::any();
                if let Some(mut permits) = self.reserve(below(3) as usize, when) {
                    while permits.left() > 0 && below(4) > 0 {
                        self.send_permitted(&mut permits);
                    }
                }
            }
        }
    }

    pub(super) fn send_many(&mut self, count: u32, when: Cut) {
        let mut items = self.items(count);
        let ids = ids(&items);
        match cut(when, self.sender.send_many(&mut items)) {
            Some(Err(_)) => assert!(self.bell.is_stopping() && !items.is_empty(), "refused"),
            Some(Ok(())) => assert!(items.is_empty(), "not all were sent"),
            None => assert!(!items.is_empty(), "cut though it was done"),
        }
        self.account_for(&ids, &items);
    }

    pub(super) fn reserve(&self, most: usize, when: Cut) -> Option<Permits<Item>> {
        let reserved = cut(when, self.sender.reserve_many(most))?;
        assert!(reserved.is_ok() || self.bell.is_stopping(), "refused");
        let permits = reserved.ok()?;
        assert!(permits.left() <= most && (permits.left() > 0 || most == 0), "{permits:?} of {most}");
        Some(permits)
    }

    pub(super) fn send_permitted(&mut self, permits: &mut Permits<Item>) {
        let item = self.any();
        let (id, kind) = (item.id, item.kind);
        match permits.send(item) {
            Ok(()) => self.accepted(id, kind),
            Err(refused) => {
                assert!(
                    matches!(refused, TrySendError::Closed(_)),
                    "a permit is good while the queue is open"
                );
                // Those left are of no use.
                self.refused(id, refused);
            }
        }
    }

    fn items(&mut self, count: u32) -> VecDeque<Item> {
        (0..count).map(|_| self.any()).collect()
    }

    /// Of those offered, what is not left was sent.
    fn account_for(&self, offered: &[(Id, Kind)], left: &VecDeque<Item>) {
        let (sent, back) = offered.split_at(offered.len() - left.len());
        assert!(
            left.iter().map(|item| item.id).eq(back.iter().map(|(id, _)| *id)),
            "what is left is in order"
        );
        for &(id, kind) in sent {
            self.accepted(id, kind);
        }
    }

    fn settle(&self, id: Id, kind: Kind, sent: Sent) -> bool {
        let refused = match sent {
            Ok(()) => {
                self.accepted(id, kind);
                return true;
            }
            Err(refused) => refused,
        };
        assert!(self.bell.is_stopping(), "{refused:?} though the queue is open");
        assert_eq!(refused.into_intent().id, id, "another intent came back");
        false
    }

    fn accepted(&self, id: Id, kind: Kind) {
        assert!(!self.too_late, "{id:?} was accepted after the queue was closed");
        self.account.accepted(id, kind);
    }

    fn refused(&self, id: Id, refused: TrySendError<Item>) {
        assert!(self.bell.is_stopping() || matches!(refused, TrySendError::Full(_)), "{refused:?}");
        assert_eq!(refused.into_intent().id, id, "another intent came back");
        // A sender that tries again lets the others run.
        thread::yield_now();
    }
}

fn ids(items: &VecDeque<Item>) -> Vec<(Id, Kind)> {
    items.iter().map(|item| (item.id, item.kind)).collect()
}
