-- Running state: a row holds the state at the end of its block and is written only when something changed. The newest
-- row of a key at or below a block is the state at that block; a reorg deletes rows with their blocks.

-- An operator's registration, keys, domain and terms, by block.
create table operator_profile (
    block_number      bigint  not null references block on delete cascade,
    operator          address not null,
    operator_index    bigint  not null,
    registered_at     bigint  not null, -- unix seconds
    status            text    not null check (status in ('active', 'jailed', 'exiting')),
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
    earnings_locked    uint256 not null,
    earnings_claimable uint256 not null, -- as released on chain; matured buckets count once `EarningsReleased` says so
    batches            bigint  not null,
    receipts           uint256 not null,
    vouchers           bigint  not null, -- paid, in full or in part
    units              uint256 not null,
    fees               uint256 not null, -- as paid by payers: protocol fee and royalty included
    slashed_stake      uint256 not null,
    slashed_earnings   uint256 not null,
    faults             bigint  not null, -- periods of downtime punished
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
    exit_at      uint64  not null, -- unix seconds, zero when no exit was started
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

-- What an account is owed by the settlement (`fee_credit`) or the vault (`stake_credit`) and what it took, by block.
create table credit_account (
    block_number bigint  not null references block on delete cascade,
    class        text    not null check (class in ('fee_credit', 'stake_credit')),
    account      address not null,
    balance      uint256 not null,
    collected    uint256 not null,
    primary key (class, account, block_number)
);

create index on credit_account (block_number);

-- Sums over all operators, channels, models and accounts, by block.
create table network_account (
    block_number       bigint  primary key references block on delete cascade,
    operators          bigint  not null, -- ever registered
    operators_active   bigint  not null,
    operators_jailed   bigint  not null,
    operators_exiting  bigint  not null,
    models             bigint  not null, -- ever registered
    models_retired     bigint  not null,
    batches            bigint  not null,
    receipts           uint256 not null,
    vouchers           bigint  not null,
    units              uint256 not null,
    fees               uint256 not null,
    slashed_stake      uint256 not null,
    slashed_earnings   uint256 not null,
    faults             bigint  not null,
    escrow             uint256 not null,
    earnings_locked    uint256 not null,
    earnings_claimable uint256 not null,
    royalties          uint256 not null,
    fee_credit         uint256 not null,
    stake_active       uint256 not null,
    stake_thawing      uint256 not null,
    stake_credit       uint256 not null,
    rewards            uint256 not null
);
