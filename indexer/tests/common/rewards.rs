//! Pay for uptime, from a gift to the reserve to what is burned of a surplus.

use alloy::primitives::U256;
use plumbline_protocol::{IRewardReserve, InferenceSettlement, RewardReserve, TestToken, UptimeLedger};

use super::{Anyhow, CLAIM_SECONDS, World};

/// Enough that a release, a few millionths of it, pays wages: fee-token base units.
const GIFT: u64 = 1_000_000_000_000;
/// Operators whose availability is reported, and those of them whose reward is claimed.
const REPORTED: [usize; 4] = [2, 3, 6, 7];
const CLAIMED: [usize; 2] = [2, 3];

impl World {
    /// A period that is paid, and of which a part expires. Gives its number.
    pub(super) async fn paid_period(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let reserve = contracts.reward_reserve;
        let gift = TestToken::transferCall {
            to: reserve,
            value: U256::from(GIFT),
        };
        self.send(self.payers[0].address(), contracts.fee_token, gift).await?;
        let period = self.next_period().await?;
        let members = self.draw(period).await?;
        for operator in REPORTED.map(|index| self.operators[index].address) {
            let enrol = RewardReserve::enrolCall { operator };
            self.send(self.deployer, reserve, enrol).await?;
        }
        let outcome = self.end_period(period, members, &[]).await?;
        for operator in REPORTED.map(|index| self.operators[index].address) {
            let report = RewardReserve::reportCall {
                period,
                operator,
                observed: outcome.observed.clone(),
                up: outcome.up.clone(),
            };
            self.send(self.deployer, reserve, report).await?;
        }
        self.close_rewards(period).await?;
        for operator in CLAIMED.map(|index| self.operators[index].address) {
            let claim = RewardReserve::claimCall { period, operator };
            self.send(self.deployer, reserve, claim).await?;
        }
        self.pass(CLAIM_SECONDS).await?;
        self.send(self.deployer, reserve, RewardReserve::expireCall { period })
            .await?;
        self.keep_no_surplus().await
    }

    async fn close_rewards(&self, period: u64) -> Anyhow {
        let reserve = self.deployment.contracts.reward_reserve;
        let closes_at = RewardReserve::new(reserve, &self.provider)
            .closesAt(period)
            .call()
            .await?;
        if self.head().await?.1 < closes_at {
            self.next_block_at(closes_at).await?;
        }
        self.send(self.deployer, reserve, RewardReserve::closeCall { period })
            .await
            .map(drop)
    }

    /// From the next period on all protocol fees of good times are burned.
    async fn keep_no_surplus(&self) -> Anyhow {
        let now = &self.deployment.parameters.rewards;
        let change = RewardReserve::changeParametersCall {
            parameters_: IRewardReserve::Parameters {
                wage: now.wage.to(),
                domainBps: now.domain_bps,
                refillBps: 0,
            },
        };
        self.send(self.deployer, self.deployment.contracts.reward_reserve, change)
            .await
            .map(drop)
    }

    /// A period in which nobody worked for wages, whose fees are burned; what the settlement owed came to the reserve before
    /// somebody closed it.
    pub(super) async fn burned_surplus(&self) -> Anyhow {
        let contracts = self.deployment.contracts;
        let reserve = contracts.reward_reserve;
        let ledger = UptimeLedger::new(contracts.uptime_ledger, &self.provider);
        let now = self.head().await?.1;
        self.close_rewards(ledger.periodAt(now).call().await?).await?;
        self.send(self.deployer, reserve, RewardReserve::burnCall {}).await?;
        self.pay(0, 2, 40_000).await?;
        let collect = InferenceSettlement::collectCall { account: reserve };
        self.send(self.deployer, contracts.inference_settlement, collect)
            .await
            .map(drop)
    }
}
