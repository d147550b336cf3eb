//! Methods: how each figure is defined, so that anyone can recompute it from the events.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Problem, Result};
use crate::extract::Fields;

/// Raised whenever a definition changes what a figure says.
pub(crate) const METHOD_VERSION: &str = "4";

/// The definition of a figure.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Method {
    #[schema(example = "uptime")]
    id: &'static str,
    /// `method_version` since which the definition stands as it is.
    #[schema(example = "1")]
    since: &'static str,
    formula: &'static str,
    definition: &'static str,
    /// Events that it is computed from.
    events: &'static [&'static str],
}

/// All definitions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Methods {
    data: &'static [Method],
    #[schema(example = "1")]
    method_version: &'static str,
}

const UPTIME_EVENTS: &[&str] = &[
    "OperatorRegistered",
    "OperatorJailed",
    "OperatorUnjailed",
    "OperatorExited",
    "CommitteeDrawn",
    "PeriodReported",
    "UptimeLedgerConfigured",
];
const SHARE_EVENTS: &[&str] = &["Staked", "Thawed", "Slashed", "PoolReset", "FeesSettled"];
const FLOW_EVENTS: &[&str] = &[
    "Deposited",
    "ExitFinished",
    "FeesSettled",
    "BatchReleased",
    "EarningsReleased",
    "EarningsClaimed",
    "EarningsSeized",
    "RoyaltiesClaimed",
    "CreditCollected",
    "Staked",
    "Thawed",
    "Withdrawn",
    "Slashed",
    "PoolReset",
    "FeesDistributed",
    "RewardsClaimed",
    "SlashedStakeCollected",
    "PeriodClosed",
    "RewardClaimed",
    "RewardsExpired",
    "SurplusBurned",
    "ChallengeOpened",
    "BondCredited",
];
const CASE_EVENTS: &[&str] = &[
    "AuditOpened",
    "LeafRequested",
    "DeadlineExtended",
    "ChallengeOpened",
    "JudgementBegun",
    "JudgesDrawn",
    "VerdictCommitted",
    "VerdictRevealed",
    "CaseDecided",
    "CaseClosed",
    "CanaryRevealed",
    "JudgePunished",
];

const METHODS: &[Method] = &[
    Method {
        id: "uptime",
        since: "1",
        formula: "U = ΣH / ΣO",
        definition: "Hit of observed slots, a ratio of sums. A slot is observed when an absolute majority of the whole \
                     committee saw the operator up, or down; a hit when the majority saw it up. Null when nothing was \
                     observed. Only closed periods count: the report window is over and the result final.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "coverage",
        since: "1",
        formula: "C = ΣO / ΣE",
        definition: "Observed of expected slots. A slot is expected of who could be punished for it: an operator that was \
                     active from the period's first second to its last and, where a committee was drawn, was counted in \
                     the draw. Gaps in observation lower the coverage and never the uptime.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "uptime_interval",
        since: "1",
        formula: "(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), p = H/O, n = O, z = 1.959964",
        definition: "Wilson's score interval at 95 %. It takes slots for independent; outages come in bursts, so the \
                     true uncertainty is larger.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "window",
        since: "1",
        formula: "{p : from ≤ start(p) and end(p) ≤ to}",
        definition: "Figures over time sum the closed periods that lie wholly in the window; `window.first_period` and \
                     `window.last_period` name them. A length ends at the time of the block in `as_of`. A day's bucket \
                     holds the periods that begin in that day, UTC.",
        events: &["UptimeLedgerConfigured"],
    },
    Method {
        id: "served_share",
        since: "1",
        formula: "s_i = x_i / Σx",
        definition: "An operator's settled units of all settled units in the window's periods, by the block time of \
                     the settlement.",
        events: &["FeesSettled"],
    },
    Method {
        id: "concentration",
        since: "1",
        formula: "HHI = Σs²; D2 = 1/HHI; CR_k = Σ of the k largest s; G = Σ(2i − n − 1)·x_(i) / (n·Σx)",
        definition: "Shares of active stake at the period's end, and of units and fees settled in it, among the \
                     operators that were expected, held stake or settled something. `effective_operators` is D2, the \
                     number of equal operators that would be as concentrated.",
        events: SHARE_EVENTS,
    },
    Method {
        id: "nakamoto",
        since: "1",
        formula: "min k : Σ top-k > τ·Σx, in integers",
        definition: "The fewest operators that together hold strictly more than a third, a half, two thirds.",
        events: SHARE_EVENTS,
    },
    Method {
        id: "flow_balance",
        since: "2",
        formula: "opening + inflow − outflow = closing",
        definition: "Every base unit that enters, leaves or moves within the contracts is in exactly one flow, from \
                     one class of holders to another. The closing balances of a contract's classes are what it holds \
                     for others: its token balance, less what was sent to it by plain transfers.",
        events: FLOW_EVENTS,
    },
    Method {
        id: "stake_own",
        since: "1",
        formula: "⌊own shares · (assets + 1) / (shares + 10⁶)⌋",
        definition: "Value of the operator's own shares of its pool, rounded down as the vault does; delegated is the \
                     rest of the active stake.",
        events: &["Staked", "Thawed", "Slashed", "PoolReset"],
    },
    Method {
        id: "slash",
        since: "2",
        formula: "earnings_taken = Σ EarningsSeized; principal_taken = Σ Slashed, in the same transaction",
        definition: "A punished fault with everything it took, refund and reward included. The movements of a slash \
                     are the operator's refund, slash, slash_cut and slash_burn flows before its log and after its \
                     earlier punishment in the block. `correlation_factor` is what the downtime penalty was multiplied \
                     by, from the weighing of the period.",
        events: &[
            "DowntimePunished",
            "FaultPunished",
            "OutageWeighed",
            "EarningsSeized",
            "Slashed",
            "PoolReset",
        ],
    },
    Method {
        id: "case",
        since: "2",
        formula: "stage, verdict = those of the newest log of the case",
        definition: "An audit of a batch that was drawn at random, or a challenge of one receipt. An audit is lost when \
                     the receipt is wrong or was not shown in time, a challenge is won when it is wrong.",
        events: CASE_EVENTS,
    },
    Method {
        id: "open_risk",
        since: "2",
        formula: "Σ risk of the batches settled and not released",
        definition: "Value at risk of an operator's open batches, which its collateral must cover: of each the fees \
                     paid or, where higher, what the operator declared.",
        events: &["BatchSettled", "BatchReleased"],
    },
    Method {
        id: "batches_drawn",
        since: "2",
        formula: "released − audits closed + audits opened",
        definition: "Batches that were drawn in the window. Whoever is drawn is released at once or audited first, and \
                     a batch is released when its audit is closed.",
        events: &["BatchReleased", "AuditOpened", "CaseClosed"],
    },
    Method {
        id: "audited_earnings",
        since: "2",
        formula: "Σ earned of the batches of audits opened / Σ (fee − protocol fee − royalty)",
        definition: "Part of what operators earned that was checked: what they earned by the batches whose audit was \
                     opened in the window, of all that they earned by settlements in it.",
        events: &["AuditOpened", "BatchSettled", "FeesSettled"],
    },
    Method {
        id: "incident",
        since: "3",
        formula: "maximal runs of missed observed slots; MTTR = Σ missed slots / incidents",
        definition: "Slots that nobody observed neither end nor lengthen an incident. A slot is in common mode when at least \
                     two and more than 30 % of the observed operators of the network, or of a failure domain, missed it.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "reliability_score",
        since: "3",
        formula: "α / (α + β); α ← λα + hits, β ← λβ + misses each period, λ^(14 d) = 1/2",
        definition: "Hits of observed slots with a half-life of 14 days; `score_low` is the lower 95 % bound, a quantile of \
                     the beta distribution. `reliable`: the lower 95 % bound of 30 days' uptime is at least 0.95 and their \
                     coverage at least 0.8.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "latency",
        since: "3",
        formula: "least b : Σ counts up to b ≥ q · Σ counts, b = 2^(i/4) ms",
        definition: "Quantiles of the latencies that the judged receipts of the window claim, as upper bounds of logarithmic \
                     steps. Receipts are off chain but for those that are judged.",
        events: CASE_EVENTS,
    },
    Method {
        id: "drift",
        since: "3",
        formula: "S ← max(0, S + ln(p1/p0)) on an event, else max(0, S + ln((1 − p1)/(1 − p0))); alarm at S ≥ ln(N · slots of 30 d)",
        definition: "Two one-sided sums for each operator. Onset: an outage begins in a slot after one that was up, \
                     p1 = min(0.5, 5·p0). Duration: it recovers in a slot after one that was down, p1 = p0/3. The baseline \
                     p0 leaves the last 7 days out and is frozen while alarmed. Slots in common mode and slots that nobody \
                     observed are no steps. At most one false alarm of a channel is expected in the network in 30 days.",
        events: UPTIME_EVENTS,
    },
    Method {
        id: "network_drift",
        since: "3",
        formula: "Z ← 0.9·Z + 0.1·(x − μ)/σ by week; alarm at |Z| ≥ 2.55 deviations of such a Z",
        definition: "Of ln D2 of served units and of the dependency, against their own history without the last 4 weeks.",
        events: SHARE_EVENTS,
    },
    Method {
        id: "dependency",
        since: "3",
        formula: "Δ = ln D2(capacity) − ln D2(served) = [ln D2(cap) − ln D2(cap·U)] + [ln D2(cap·U) − ln D2(served)]",
        definition: "How far the network rests on fewer operators than its capacity does, over 7 days: because operators are \
                     down, and because work goes elsewhere.",
        events: SHARE_EVENTS,
    },
    Method {
        id: "core",
        since: "3",
        formula: "least set with Σ units > ½ · Σ all units; RBO with p = 0.9 over the whole ranking",
        definition: "Who serves more than half of the work of 7 days, and how much that changed since the 7 days before.",
        events: SHARE_EVENTS,
    },
    Method {
        id: "incentives",
        since: "3",
        formula: "runway = reserve / net release a period; fee coverage = Σ protocol fees / Σ wages, over 30 days",
        definition: "Whether uptime is still paid for. The elasticity is the Theil–Sen slope of uptime on ln price over 30 \
                     days: above zero uptime falls when the price does.",
        events: FLOW_EVENTS,
    },
];

/// Definitions of all figures.
#[utoipa::path(get, path = "/v1/methods", operation_id = "list_methods", tag = "server", responses(
    (status = 200, body = Methods),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A parameter was given"),
))]
pub(super) async fn list(uri: axum::http::Uri) -> Result<Json<Methods>, Error> {
    Fields::of(&uri)?.finish()?;
    Ok(Json(Methods {
        data: METHODS,
        method_version: METHOD_VERSION,
    }))
}
