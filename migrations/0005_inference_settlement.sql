-- One row per `Deposited` log.
create table deposited (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    operator     address not null,
    sender       address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `SignerAuthorized` log.
create table signer_authorized (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    signer       address not null,
    valid_until  uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `SignerRevoked` log.
create table signer_revoked (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    signer       address not null,
    valid_until  uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `ExitStarted` log.
create table exit_started (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    operator     address not null,
    exit_at      uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `ExitCancelled` log.
create table exit_cancelled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    operator     address not null,
    primary key (block_number, log_index)
);

-- One row per `ExitFinished` log.
create table exit_finished (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    operator     address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `BatchSettled` log.
create table batch_settled (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    operator      address not null,
    batch_id      uint256 not null,
    receipts_root bytes32 not null,
    receipt_count bigint  not null,
    epoch         bigint  not null,
    earned        uint256 not null,
    evidence_uri  text    not null,
    primary key (block_number, log_index)
);

create unique index on batch_settled (batch_id);
create index on batch_settled (operator, block_number, log_index);

-- One row per `FeesSettled` log; the operator's net is `fee - protocol_fee - royalty`.
create table fees_settled (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    payer        address not null,
    model_id     bytes32 not null,
    batch_id     uint256 not null,
    units        uint64  not null,
    fee          uint256 not null,
    protocol_fee uint256 not null,
    royalty      uint256 not null,
    primary key (block_number, log_index)
);

create index on fees_settled (operator, block_number, log_index);
create index on fees_settled (batch_id);

-- One row per `VoucherSkipped` log.
create table voucher_skipped (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    payer        address not null,
    model_id     bytes32 not null,
    batch_id     uint256 not null,
    reason       text    not null
        check (reason in ('invalid_signer', 'stale', 'units_decreased', 'not_offered', 'underfunded')),
    unpaid       uint256 not null,
    primary key (block_number, log_index)
);

create index on voucher_skipped (operator, block_number, log_index);

-- One row per `EarningsReleased` log.
create table earnings_released (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `EarningsClaimed` log.
create table earnings_claimed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    payout       address not null,
    paid         uint256 not null,
    distributed  uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `EarningsSeized` log.
create table earnings_seized (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    beneficiary    address not null,
    from_claimable uint256 not null,
    from_locked    uint256 not null,
    cut            uint256 not null, -- the beneficiary's part; the reserve's is the rest
    primary key (block_number, log_index)
);

create index on earnings_seized (operator, block_number, log_index);

-- One row per `RoyaltiesClaimed` log.
create table royalties_claimed (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    publisher    address not null,
    model_id     bytes32 not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `CreditCollected` log.
create table credit_collected (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    account      address not null,
    amount       uint256 not null,
    primary key (block_number, log_index)
);

-- One row per `InferenceSettlementConfigured` log: the parameters of the settlement; durations in seconds.
create table inference_settlement_configured (
    block_number      bigint  not null references block on delete cascade,
    log_index         int     not null,
    tx_hash           bytes32 not null,
    fee_token         address not null,
    operator_registry address not null,
    model_registry    address not null,
    stake_vault       address not null,
    reserve           address not null,
    protocol_fee_bps  int     not null,
    exit_delay        uint64  not null,
    epoch_duration    uint64  not null,
    primary key (block_number, log_index)
);
