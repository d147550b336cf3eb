//! Who owes whom: channels as the chain has them, and what was served on top of it.

use std::collections::BTreeMap;

use plumbline_protocol::typed_data::Voucher;

/// A payer's channel with an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) balance: u128,
    pub(crate) settled: u128,
    pub(crate) exit_at: u64,
    /// What the operator lends beyond the balance.
    pub(crate) credit: u128,
}

impl Channel {
    pub(crate) fn available(&self) -> u128 {
        self.balance.saturating_sub(self.settled)
    }
}

/// What was served for one model through a channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lane {
    pub(crate) settled_fee: u128,
    pub(crate) settled_units: u64,
    owed_fee: u128,
    owed_units: u64,
    voucher: Option<SignedVoucher>,
}

#[derive(Debug, Clone)]
pub(crate) struct SignedVoucher {
    pub(crate) voucher: Voucher,
    pub(crate) signature: Vec<u8>,
}

impl Lane {
    fn due(&self) -> u128 {
        self.owed_fee.saturating_sub(self.settled_fee)
    }

    /// Takes over what the chain says; what was served and is not settled yet stays owed.
    pub(crate) fn settle_to(&mut self, fee: u128, units: u64) {
        self.settled_fee = fee;
        self.settled_units = units;
        if self.owed_fee <= fee {
            self.owed_fee = fee;
            self.owed_units = self.owed_units.max(units);
            self.voucher = None;
        }
    }
}

/// All channels and lanes. Keys are operator, payer (and model), so that one operator's stand together.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) channels: BTreeMap<(usize, usize), Channel>,
    lanes: BTreeMap<(usize, usize, usize), Lane>,
}

impl Books {
    pub(crate) fn lane_mut(&mut self, operator: usize, payer: usize, model: usize) -> &mut Lane {
        self.lanes.entry((operator, payer, model)).or_default()
    }

    pub(crate) fn channel(&self, operator: usize, payer: usize) -> Channel {
        self.channels.get(&(operator, payer)).copied().unwrap_or_default()
    }

    /// An operator serves as long as what it is owed is covered; never a payer that is on its way out.
    pub(crate) fn accepts(&self, operator: usize, payer: usize, fee: u128) -> bool {
        let channel = self.channel(operator, payer);
        let owed: u128 = self.lanes_between(operator, payer).map(Lane::due).sum();
        channel.exit_at == 0 && owed + fee <= channel.available() + channel.credit
    }

    /// The sums that the next voucher states.
    pub(crate) fn owe(&mut self, key: (usize, usize, usize), fee: u128, units: u64) -> (u128, u64) {
        let lane = self.lane_mut(key.0, key.1, key.2);
        lane.owed_fee += fee;
        lane.owed_units += units;
        (lane.owed_fee, lane.owed_units)
    }

    pub(crate) fn keep_voucher(&mut self, key: (usize, usize, usize), voucher: SignedVoucher) {
        self.lane_mut(key.0, key.1, key.2).voucher = Some(voucher);
    }

    /// Newest vouchers that pay the operator something: of a channel that is empty they would only be skipped.
    pub(crate) fn due_vouchers(&self, operator: usize) -> Vec<SignedVoucher> {
        self.lanes
            .range((operator, 0, 0)..(operator + 1, 0, 0))
            .filter(|((_, payer, _), lane)| lane.due() > 0 && self.channel(operator, *payer).available() > 0)
            .filter_map(|(_, lane)| lane.voucher.clone())
            .collect()
    }

    /// What a channel owes beyond what it holds.
    pub(crate) fn shortfall(&self, operator: usize, payer: usize) -> u128 {
        let owed: u128 = self.lanes_between(operator, payer).map(Lane::due).sum();
        owed.saturating_sub(self.channel(operator, payer).available())
    }

    fn lanes_between(&self, operator: usize, payer: usize) -> impl Iterator<Item = &Lane> {
        self.lanes
            .range((operator, payer, 0)..(operator, payer + 1, 0))
            .map(|(_, lane)| lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> SignedVoucher {
        SignedVoucher {
            voucher: Voucher::default(),
            signature: vec![0; 65],
        }
    }

    fn books_with(channel: Channel) -> Books {
        let mut books = Books::default();
        books.channels.insert((0, 0), channel);
        books
    }

    #[test]
    fn an_operator_serves_no_further_than_the_channel_and_its_credit_reach() {
        let mut books = books_with(Channel {
            balance: 100,
            settled: 40,
            exit_at: 0,
            credit: 10,
        });
        assert!(books.accepts(0, 0, 70));
        assert!(!books.accepts(0, 0, 71));
        books.owe((0, 0, 1), 50, 5);
        assert!(books.accepts(0, 0, 20), "what another lane owes counts");
        assert!(!books.accepts(0, 0, 21));
        assert_eq!(books.shortfall(0, 0), 0);
        books.owe((0, 0, 2), 15, 1);
        assert_eq!(books.shortfall(0, 0), 5);
    }

    #[test]
    fn an_operator_serves_no_payer_on_its_way_out() {
        let books = books_with(Channel {
            balance: 100,
            settled: 0,
            exit_at: 9,
            credit: 0,
        });
        assert!(!books.accepts(0, 0, 1));
    }

    #[test]
    fn sums_continue_from_the_chain_and_keep_what_it_does_not_know_yet() {
        let mut books = books_with(Channel {
            balance: 100,
            settled: 0,
            exit_at: 0,
            credit: 0,
        });
        books.lane_mut(0, 0, 3).settle_to(30, 4);
        assert_eq!(books.owe((0, 0, 3), 10, 1), (40, 5));
        books.keep_voucher((0, 0, 3), signed());
        // A reorg took the settlement away.
        books.lane_mut(0, 0, 3).settle_to(0, 0);
        assert_eq!(books.due_vouchers(0).len(), 1);
        assert_eq!(books.owe((0, 0, 3), 1, 1), (41, 6));
        books.lane_mut(0, 0, 3).settle_to(41, 6);
        assert!(books.due_vouchers(0).is_empty());
    }

    #[test]
    fn vouchers_of_an_empty_channel_wait_for_a_deposit() {
        let mut books = books_with(Channel {
            balance: 10,
            settled: 10,
            exit_at: 0,
            credit: 5,
        });
        books.owe((0, 0, 0), 5, 1);
        books.keep_voucher((0, 0, 0), signed());
        assert!(books.due_vouchers(0).is_empty());
        books.channels.insert(
            (0, 0),
            Channel {
                balance: 20,
                settled: 10,
                exit_at: 0,
                credit: 5,
            },
        );
        assert_eq!(books.due_vouchers(0).len(), 1);
    }
}
