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

-- One row per `SignerAuthorized` log. Each pause that comes before `valid_until` moves it by its length.
create table signer_authorized (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    signer       address not null,
    valid_until  uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `SignerRevoked` log. Each pause that comes before `valid_until` moves it by its length.
create table signer_revoked (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    payer        address not null,
    signer       address not null,
    valid_until  uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `ExitStarted` log. Each pause that comes before `exit_at` moves it by its length.
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

-- One row per `BatchSettled` log: receipts were committed. The batch is open until `batch_released` has it.
create table batch_settled (
    block_number  bigint  not null references block on delete cascade,
    log_index     int     not null,
    tx_hash       bytes32 not null,
    operator      address not null,
    batch_id      uint256 not null,
    receipts_root bytes32 not null,
    receipt_count bigint  not null,
    earned        uint256 not null, -- the operator's net of all vouchers paid with it
    risk          uint256 not null, -- value at risk, fee token: the fees paid or, where higher, what was declared
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
        check (reason in ('invalid_signer', 'stale', 'units_decreased', 'not_offered', 'underfunded', 'uncovered')),
    unpaid       uint256 not null,
    primary key (block_number, log_index)
);

create index on voucher_skipped (operator, block_number, log_index);

-- One row per `BatchReleased` log: its risk is closed, and what is left of its earnings waits out the dispute window.
create table batch_released (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    operator     address not null,
    batch_id     uint256 not null,
    risk         uint256 not null, -- fee token
    locked       uint256 not null, -- less than what it earned where a fault has taken the rest
    primary key (block_number, log_index)
);

create unique index on batch_released (batch_id);
create index on batch_released (operator, block_number, log_index);

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

-- One row per `EarningsSeized` log: `from_claimable + from_locked + from_undrawn = refund + cut + burned + reserved`.
create table earnings_seized (
    block_number   bigint  not null references block on delete cascade,
    log_index      int     not null,
    tx_hash        bytes32 not null,
    operator       address not null,
    beneficiary    address not null, -- who proved the fault, whatever it got; zero when nobody
    victim         address not null, -- who is refunded, whatever it got; zero when nobody
    from_claimable uint256 not null,
    from_locked    uint256 not null,
    from_undrawn   uint256 not null, -- of open batches
    refund         uint256 not null, -- credited to the victim
    cut            uint256 not null, -- credited to the beneficiary
    burned         uint256 not null, -- credited to the burn address
    reserved       uint256 not null, -- credited to the reserve
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

-- One row per `CoverageConfigured` log: how much risk collateral covers; basis points of 10,000.
create table coverage_configured (
    block_number    bigint  not null references block on delete cascade,
    log_index       int     not null,
    tx_hash         bytes32 not null,
    price_oracle    address not null, -- zero where fees are paid in the stake token
    beta_bps        bigint  not null, -- times its value that a wrong batch may gain
    utilisation_bps int     not null, -- part of the collateral that open risk may use
    haircut_bps     int     not null, -- fall of the stake's price that coverage outlasts
    penalty_bps     int     not null, -- part of the collateral that fraud costs
    correlation_bps int     not null, -- part of the collateral held back for faults of others
    primary key (block_number, log_index)
);

-- One row per `Paused` log: settlements and exits stand still until `until`, and deadlines of payers with them.
create table paused (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    guardian     address not null,
    until        uint64  not null, -- unix seconds
    primary key (block_number, log_index)
);

-- One row per `Unpaused` log: the pause ended with this block, before its time.
create table unpaused (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    guardian     address not null,
    primary key (block_number, log_index)
);
