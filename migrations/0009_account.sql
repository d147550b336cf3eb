-- Running state: a row holds the state at the end of its block and is written only when something changed. The newest
-- row of a key at or below a block is the state at that block; a reorg deletes rows with their blocks.

-- An operator's registration, keys, domain and terms, by block.
create table operator_profile (
    block_number      bigint  not null references block on delete cascade,
    operator          address not null,
    operator_index    bigint  not null,
    registered_at     bigint  not null, -- unix seconds
    status            text    not null check (status in ('active', 'jailed', 'exiting', 'tombstoned')),
    jailed_until      uint64  not null, -- unix seconds, zero when never jailed
    signing_key       address not null,
    settler_key       address not null, -- zero when none
    payout            address not null,
    domain            bytes32 not null,
    endpoint          text    not null,
    commission_bps    int     not null, -- in force until `announced_at`
    announced_bps     int     not null, -- in force from `announced_at` on
    announced_at      uint64  not null, -- unix seconds
    primary key (operator, block_number)
);

create index on operator_profile (block_number);

-- An operator's stake pool, earnings and totals since the start, by block; also of an address that staked and never
-- registered.
create table operator_account (
    block_number       bigint  not null references block on delete cascade,
    operator           address not null,
    stake_active       uint256 not null, -- the pool: own and delegated
    stake_own          uint256 not null, -- the operator's part of it, rounded down as the vault does
    stake_thawing      uint256 not null,
    shares             uint256 not null,
    own_shares         uint256 not null,
    generation         bigint  not null,
    rewards            uint256 not null, -- distributed to stakers and not claimed yet, fee token
    earnings_undrawn   uint256 not null, -- of open batches
    earnings_locked    uint256 not null, -- of released batches, dispute window still open
    earnings_claimable uint256 not null, -- as released on chain; matured buckets count once `EarningsReleased` says so
    open_risk          uint256 not null, -- sum of the risk of open batches, fee token
    batches            bigint  not null,
    batches_released   bigint  not null,
    receipts           uint256 not null,
    vouchers           bigint  not null, -- paid, in full or in part
    units              uint256 not null,
    fees               uint256 not null, -- as paid by payers: protocol fee and royalty included
    slashed_stake      uint256 not null,
    slashed_earnings   uint256 not null, -- refunds to payers included
    refunded           uint256 not null, -- to payers, part of the former
    faults             bigint  not null, -- punished, downtime included
    audits             bigint  not null, -- of its batches, opened
    challenges         bigint  not null, -- of its receipts, opened
    cases_open         bigint  not null, -- of both
    cases_lost         bigint  not null, -- of both; a proof of equivocation is no case
    uptime_rewards     uint256 not null, -- paid and distributed by the reserve
    primary key (operator, block_number)
);

create index on operator_account (block_number);

-- A payer's channel with an operator, by block; what is left in escrow is `deposited - settled - returned`.
create table channel_account (
    block_number bigint  not null references block on delete cascade,
    payer        address not null,
    operator     address not null,
    deposited    uint256 not null,
    settled      uint256 not null,
    returned     uint256 not null,
    exit_at      uint64  not null, -- unix seconds, as announced; zero when no exit was started
    exit_running uint64  not null, -- the same on the settlement's clock, which stands still in pauses (`pause_clock`)
    primary key (payer, operator, block_number)
);

create index on channel_account (operator, payer, block_number);
create index on channel_account (block_number);

-- A model's publisher and totals since the start, by block.
create table model_account (
    block_number      bigint  not null references block on delete cascade,
    model_id          bytes32 not null,
    publisher         address not null,
    pending_publisher address not null, -- zero when none
    versions          bigint  not null,
    retired           boolean not null,
    vouchers          bigint  not null,
    units             uint256 not null,
    fees              uint256 not null,
    royalties         uint256 not null, -- waiting to be claimed
    royalties_claimed uint256 not null,
    primary key (model_id, block_number)
);

create index on model_account (block_number);

-- An operator's terms for a model, by block.
create table offering (
    block_number   bigint  not null references block on delete cascade,
    operator       address not null,
    model_id       bytes32 not null,
    active         boolean not null,
    version        bigint  not null,
    royalty_bps    int     not null,
    price_per_unit uint256 not null, -- fee-token base units
    since          bigint  not null, -- unix seconds of the latest change from not serving to serving
    primary key (operator, model_id, block_number)
);

create index on offering (model_id, operator, block_number);
create index on offering (block_number);

-- What an account is owed by the settlement (`fee_credit`), the vault (`stake_credit`) or the challenge manager
-- (`bond_credit`) and what it took, by block.
create table credit_account (
    block_number bigint  not null references block on delete cascade,
    class        text    not null check (class in ('fee_credit', 'stake_credit', 'bond_credit')),
    account      address not null,
    balance      uint256 not null,
    collected    uint256 not null,
    primary key (class, account, block_number)
);

create index on credit_account (block_number);

-- An audit or a challenge, by block.
create table case_account (
    block_number  bigint   not null references block on delete cascade,
    case_id       uint256  not null,
    kind          text     not null check (kind in ('audit', 'challenge')),
    operator      address  not null, -- accused
    opened_at     bigint   not null, -- unix seconds
    batch_id      uint256  not null, -- that is audited; zero in a challenge
    challenger    address  not null, -- zero in an audit
    stage         text     not null check (stage in (
        'seeding', 'answering', 'proving', 'judging', 'decided', 'closed')),
    verdict       text     not null check (verdict in (
        'none', 'passed', 'failed', 'inconclusive', 'withheld', 'voided')),
    round         uint64   not null, -- whose seed a seeding case waits for, zero otherwise
    deadline      uint64   not null, -- unix seconds: until which to answer or to prove; from which on to execute the verdict
    extensions    smallint not null, -- periods by which the answer's deadline was moved
    verifier      address  not null, -- zero where a committee judges, and before anybody does
    payer         address  not null, -- whose request the receipt answers; this and the next two are zero before it is known
    model_id      bytes32  not null,
    offence       bytes32  not null, -- identity of the deed of having signed it, should it be wrong
    principal_cap uint256  not null, -- most that a verdict can take, stake token
    bond          uint256  not null, -- that is held, fee token
    punished      boolean  not null,
    primary key (case_id, block_number)
);

create index on case_account (operator, case_id, block_number);
create index on case_account (block_number);

-- The settlement's pauses, by block: deadlines of payers stand still in them. Seconds paused up to a time t are
-- `before + least(t, ends_at) - started_at`; a deadline on the running clock plus these is when it comes.
create table pause_clock (
    block_number bigint primary key references block on delete cascade,
    started_at   uint64 not null, -- unix seconds of the newest pause
    ends_at      uint64 not null, -- unix seconds
    before       uint64 not null  -- seconds of all pauses before it
);

-- Sums over all operators, channels, models and accounts, by block.
create table network_account (
    block_number         bigint  primary key references block on delete cascade,
    operators            bigint  not null, -- ever registered
    operators_active     bigint  not null,
    operators_jailed     bigint  not null,
    operators_exiting    bigint  not null,
    operators_tombstoned bigint  not null,
    models               bigint  not null, -- ever registered
    models_retired       bigint  not null,
    batches              bigint  not null,
    batches_released     bigint  not null,
    receipts             uint256 not null,
    vouchers             bigint  not null,
    units                uint256 not null,
    fees                 uint256 not null,
    slashed_stake        uint256 not null,
    slashed_earnings     uint256 not null, -- refunds to payers included
    refunded             uint256 not null, -- to payers, part of the former
    faults               bigint  not null, -- punished, downtime included
    audits               bigint  not null, -- opened
    challenges           bigint  not null, -- opened
    cases_open           bigint  not null, -- of both
    cases_lost           bigint  not null, -- of both; a proof of equivocation is no case
    uptime_rewards       uint256 not null, -- paid and distributed by the reserve
    open_risk            uint256 not null, -- sum of the risk of open batches, fee token
    escrow               uint256 not null,
    earnings_undrawn     uint256 not null,
    earnings_locked      uint256 not null,
    earnings_claimable   uint256 not null,
    royalties            uint256 not null,
    fee_credit           uint256 not null,
    stake_active         uint256 not null,
    stake_thawing        uint256 not null,
    stake_credit         uint256 not null,
    rewards              uint256 not null,
    reserve_pending      uint256 not null, -- paid to the reserve by the settlement since it last closed a period
    reserve              uint256 not null, -- what the reserve can release
    reward_owed          uint256 not null, -- released, and neither claimed nor expired
    unburned             uint256 not null, -- waits to be burned
    bond                 uint256 not null, -- of challenges that are open
    bond_credit          uint256 not null
);
