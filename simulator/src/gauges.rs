//! What everybody relies on and anybody can keep going: the price of stake, and the measure of stress.

use alloy::primitives::{Address, U256};
use alloy::signers::local::PrivateKeySigner;
use anyhow::Result;
use plumbline_protocol::deployment::Parameters;
use plumbline_protocol::{PriceOracle, StressGauge, TestFeed};

use crate::accounts::Keyring;
use crate::network::{Moment, Network};
use crate::outbox::{Call, Outbox};
use crate::purse::{Desk, Duty};

/// A test feed answers anew when its answer has this part of the age left at which it is stale.
const ANSWER_AGE_DIVISOR: u64 = 2;

pub(crate) struct Gauges {
    desk: Desk,
    /// Seconds between two observations of the price; none where there is no price.
    interval: Option<u64>,
    /// Owner of the test feed, when it is one of ours.
    guardian: Option<Address>,
    /// What the test feed has to say again, because its answer gets old.
    answer: Option<alloy::primitives::I256>,
}

impl Gauges {
    pub(crate) async fn new(
        network: &Network,
        keyring: &Keyring,
        parameters: &Parameters,
        guardians: &[PrivateKeySigner],
        outbox: &mut Outbox,
    ) -> Result<Self> {
        let oracle = network.addresses.price_oracle;
        let interval = if oracle.is_zero() {
            None
        } else {
            Some(u64::from(network.read(oracle, PriceOracle::INTERVALCall {}).await?))
        };
        let has_test_feed = parameters.price.as_ref().is_some_and(|price| price.test_feed.is_some());
        let guardian = guardians
            .iter()
            .find(|signer| has_test_feed && signer.address() == parameters.access.guardian);
        guardian.iter().for_each(|signer| outbox.add_account(signer));
        Ok(Self {
            desk: Desk::new(keyring, Duty::Gauge, outbox)?,
            interval,
            guardian: guardian.map(PrivateKeySigner::address),
            answer: None,
        })
    }

    pub(crate) fn coins(&self) -> (Address, U256) {
        self.desk.coins()
    }

    pub(crate) async fn refresh(&mut self, network: &Network, now: u64) -> Result<()> {
        self.desk.refresh(network).await?;
        self.answer = None;
        if self.guardian.is_none() {
            return Ok(());
        }
        let feed = network
            .read(network.addresses.price_oracle, PriceOracle::feedCall {})
            .await?;
        let answered = network
            .read(network.addresses.price_feed, TestFeed::latestRoundDataCall {})
            .await?;
        let old = answered._3 + U256::from(u64::from(feed.maxAge) / ANSWER_AGE_DIVISOR);
        if feed.current == network.addresses.price_feed && U256::from(now) >= old {
            self.answer = Some(answered._1);
        }
        Ok(())
    }

    /// Observes the price once an interval, and measures stress once a step.
    pub(crate) async fn plan(
        &mut self,
        network: &Network,
        outbox: &Outbox,
        moment: Moment,
        calls: &mut Vec<Call>,
    ) -> Result<()> {
        let (addresses, now) = (network.addresses, moment.head.timestamp);
        if let (Some(guardian), Some(answer)) = (self.guardian, self.answer.take()) {
            let set = TestFeed::setAnswerCall { answer };
            calls.push(Call::new(guardian, addresses.price_feed, "answer the test feed", &set));
        }
        if !self.desk.is_open() || outbox.is_busy(self.desk.account) {
            return Ok(());
        }
        if let Some(interval) = self.interval {
            let observed = network
                .read(addresses.price_oracle, PriceOracle::averageCall {})
                .await?;
            if now >= observed.observedAt + interval {
                let update = PriceOracle::updateCall {};
                calls.push(Call::new(
                    self.desk.account,
                    addresses.price_oracle,
                    "observe the price",
                    &update,
                ));
            }
        }
        if now
            >= network
                .read(addresses.stress_gauge, StressGauge::nextStepAtCall {})
                .await?
        {
            let update = StressGauge::updateMultiplierCall {};
            calls.push(Call::new(
                self.desk.account,
                addresses.stress_gauge,
                "measure stress",
                &update,
            ));
        }
        Ok(())
    }
}
