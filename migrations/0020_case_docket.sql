-- Cases are audits and challenges, in one count. Verdicts: `passed` the receipt is right, `failed` it is wrong,
-- `inconclusive` nobody could tell, `withheld` it was not shown in time, `voided` it was a planted canary.

-- One row per `JudgementBegun` log: a receipt is judged by a verifier (`proving`) or a committee (`judging`).
create table judgement_begun (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    offence      bytes32 not null, -- identity of the deed, should it be one
    stage        text    not null check (stage in ('proving', 'judging')),
    verifier     address not null, -- zero where a committee judges
    deadline     uint64  not null, -- unix seconds until which to prove; of no meaning where a committee judges
    signer       address not null, -- key that signed the receipt
    request_id   bytes32 not null,
    model_id     bytes32 not null,
    version      bigint  not null,
    input_hash   bytes32 not null,
    output_hash  bytes32 not null,
    payer        address not null,
    served_at    uint64  not null, -- unix seconds
    latency_ms   bigint  not null,
    fee          uint256 not null, -- fee token
    primary key (block_number, log_index)
);

create unique index on judgement_begun (case_id);
create index on judgement_begun (operator, block_number, log_index);

-- One row per `CaseDecided` log.
create table case_decided (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    operator      address not null,
    case_id       uint256 not null,
    verdict       text    not null check (verdict in ('passed', 'failed', 'inconclusive', 'withheld', 'voided')),
    executable_at uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

create unique index on case_decided (case_id);

-- One row per `CaseClosed` log.
create table case_closed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    case_id      uint256 not null,
    verdict      text    not null check (verdict in ('passed', 'failed', 'inconclusive', 'withheld', 'voided')),
    punished     boolean not null, -- false for a lost one whose deed had been punished already
    primary key (block_number, log_index)
);

create unique index on case_closed (case_id);
create index on case_closed (operator, block_number, log_index);

-- One row per `JudgePunished` log: it had not committed and revealed, or had called a canary right.
create table judge_punished (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    member       address not null,
    case_id      uint256 not null,
    offence      bytes32 not null,
    primary key (block_number, log_index)
);

create index on judge_punished (member, block_number, log_index);
create index on judge_punished (case_id);

-- One row per `AuditParametersChanged` log: in force for cases opened from then on; windows in seconds. Previous values are
-- zero at deployment.
create table audit_parameters_changed (
    block_number             bigint  not null references block on delete cascade,
    log_index                int     not null,
    tx_hash                  bytes32 not null,
    version                  bigint  not null,
    previous_min_probability uint64  not null,
    previous_bond            uint256 not null,
    previous_max_challenges  bigint  not null,
    previous_answer_window   bigint  not null,
    previous_grace           bigint  not null,
    previous_proof_window    bigint  not null,
    previous_commit_window   bigint  not null,
    previous_reveal_window   bigint  not null,
    previous_canary_window   bigint  not null,
    previous_dispute_window  bigint  not null,
    min_probability          uint64  not null, -- least probability of an audit, a fraction of 1e18
    bond                     uint256 not null, -- of a challenge, fee token
    max_challenges           bigint  not null, -- open challenges that one operator can have
    answer_window            bigint  not null, -- in which an audited leaf must be shown
    grace                    bigint  not null, -- after it, in which an outage can still be shown
    proof_window             bigint  not null, -- in which a verifier must be convinced
    commit_window            bigint  not null, -- in which judges commit
    reveal_window            bigint  not null, -- in which they reveal
    canary_window            bigint  not null, -- between the verdict on a challenge and its execution
    dispute_window           bigint  not null, -- age up to which a receipt can be challenged
    primary key (block_number, log_index)
);

create unique index on audit_parameters_changed (version);

-- One row per `CaseDocketConfigured` log: what the docket is wired to.
create table case_docket_configured (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    settlement        address not null,
    operator_registry address not null,
    model_registry    address not null,
    stake_vault       address not null,
    uptime_ledger     address not null,
    faults            address not null,
    verifier_registry address not null,
    judge_committee   address not null,
    stress_gauge      address not null,
    primary key (block_number, log_index)
);
