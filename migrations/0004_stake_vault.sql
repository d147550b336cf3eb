-- One row per `Staked` log.
create table staked (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    delegator    address not null, -- the operator itself for own stake
    assets       uint256 not null,
    shares       uint256 not null,
    primary key (block_number, log_index)
);

create index on staked (operator, block_number, log_index);

-- One row per `Thawed` log.
create table thawed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    delegator    address not null,
    ticket_id    uint256 not null,
    shares       uint256 not null,
    assets       uint256 not null,
    thaw_shares  uint256 not null,
    ready_at     uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

create unique index on thawed (ticket_id);
create index on thawed (operator, block_number, log_index);

-- One row per `Withdrawn` log.
create table withdrawn (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    delegator    address not null,
    ticket_id    uint256 not null,
    assets       uint256 not null,
    primary key (block_number, log_index)
);

create unique index on withdrawn (ticket_id);

-- One row per `Slashed` log.
create table slashed (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    operator      address not null,
    beneficiary   address not null,
    from_active   uint256 not null,
    from_thawing  uint256 not null,
    cut           uint256 not null, -- the beneficiary's part; the sink's is the rest
    primary key (block_number, log_index)
);

create index on slashed (operator, block_number, log_index);

-- One row per `PoolReset` log.
create table pool_reset (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    generation   bigint  not null,
    dust         uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `FeesDistributed` log.
create table fees_distributed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    sender       address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `RewardsClaimed` log.
create table rewards_claimed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    delegator    address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `SlashedStakeCollected` log.
create table slashed_stake_collected (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    account      address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `StakeVaultConfigured` log: the parameters of the vault; durations in seconds.
create table stake_vault_configured (
    block_number    bigint  not null references block on delete cascade,
    log_index       int     not null,
    tx_hash         bytes32 not null,
    stake_token     address not null,
    fee_token       address not null,
    sink            address not null,
    own_stake_floor uint256 not null,
    min_deposit     uint256 not null,
    thaw            uint64  not null,
    evidence        uint64  not null,
    dispute         uint64  not null,
    resolution      uint64  not null,
    buffer          uint64  not null,
    primary key (block_number, log_index)
);
