-- What an EVM address, word and unsigned integer may hold; a column of a domain needs no check of its own.
create domain address as bytea check (length(value) = 20);
create domain bytes32 as bytea check (length(value) = 32);
create domain uint256 as numeric(78, 0) check (value >= 0);
create domain uint64 as numeric(20, 0) check (value >= 0 and value < 18446744073709551616);

-- The one deployment whose events this database holds; the indexer refuses any other.
create table deployment (
    singleton            boolean primary key default true check (singleton),
    chain_id             bigint  not null check (chain_id > 0),
    genesis_hash         bytes32 not null,
    start_block          bigint  not null check (start_block >= 0),
    model_registry       address not null,
    stake_vault          address not null,
    operator_registry    address not null,
    uptime_ledger        address not null,
    price_oracle         address not null, -- zero where fees are paid in the stake token
    reward_reserve       address not null,
    inference_settlement address not null,
    slasher              address not null,
    block_randomness     address not null,
    verifier_registry    address not null,
    judge_committee      address not null,
    stress_gauge         address not null,
    case_docket          address not null,
    audit_manager        address not null,
    challenge_manager    address not null
);

-- The tokens that the contracts of the deployment move.
create table token (
    token    address  primary key,
    symbol   text     not null,
    decimals smallint not null check (decimals between 0 and 255)
);

-- One row per block that carries rows of ours or is not final yet; the cursor is the highest.
-- Empty blocks are dropped once they are final (but for the highest), so the table grows with events and not with time.
create table block (
    number      bigint  primary key check (number >= 0),
    hash        bytes32 not null,
    parent_hash bytes32 not null,
    timestamp   bigint  not null check (timestamp >= 0), -- unix seconds
    empty       boolean not null                         -- no fact and no closed period hangs off it
);

create index on block (timestamp);
create index on block (number) where empty;

-- What the indexer last saw of the chain: a row is final when its block is at or below `finalized_number`.
create table chain_head (
    singleton        boolean     primary key default true check (singleton),
    number           bigint      not null check (number >= 0),
    finalized_number bigint      not null check (finalized_number >= 0),
    observed_at      timestamptz not null
);

-- One row per `AuthorityUpdated` log of any contract.
create table authority_updated (
    block_number bigint  not null references block on delete cascade,
    log_index    int     not null,
    tx_hash      bytes32 not null,
    contract     address not null,
    authority    address not null,
    primary key (block_number, log_index)
);
