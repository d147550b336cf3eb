-- One row per movement of tokens, derived from the facts; `part` tells apart the movements of one log.
--
-- Double entry: every base unit that enters, leaves or moves within the contracts is in exactly one row. For a contract
-- and a token, what flowed into its account classes less what flowed out of them is what it holds on behalf of others:
--   InferenceSettlement, fee token:  escrow, earnings_undrawn, earnings_locked, earnings_claimable, royalties, fee_credit
--   StakeVault, stake token:         stake_active, stake_thawing, stake_credit
--   StakeVault, fee token:           rewards
--   RewardReserve, fee token:        reserve_pending, reserve, reward_owed, unburned
--   ChallengeManager, fee token:     bond, bond_credit
-- `wallet` and `burned` are outside. Tokens sent to a contract by a plain transfer belong to nobody and are no flow; but the
-- reserve takes them as a gift when it closes its next period.
--
--   kind           from                  to                    log
--   deposit        wallet                escrow                Deposited
--   exit           escrow                wallet                ExitFinished
--   fee            escrow                earnings_undrawn      FeesSettled (the operator's net)
--   royalty        escrow                royalties             FeesSettled
--   protocol_fee   escrow                fee_credit            FeesSettled
--   batch_release  earnings_undrawn      earnings_locked       BatchReleased
--   release        earnings_locked       earnings_claimable    EarningsReleased
--   claim          earnings_claimable    wallet                EarningsClaimed (what was paid)
--   reward         earnings_claimable    rewards               FeesDistributed by the settlement
--   reward         reward_owed           rewards               FeesDistributed by the reserve
--   reward         wallet                rewards               FeesDistributed by anyone else
--   reward_claim   rewards               wallet                RewardsClaimed
--   royalty_claim  royalties             wallet                RoyaltiesClaimed
--   refund         earnings_*            fee_credit            EarningsSeized (the victim's part)
--   slash_cut      earnings_*            fee_credit            EarningsSeized (the beneficiary's part)
--   slash_burn     earnings_*            fee_credit            EarningsSeized (the burn address's part)
--   slash          earnings_*            fee_credit            EarningsSeized (the reserve's part)
--   slash_cut      stake_*               stake_credit          Slashed (the beneficiary's part)
--   slash          stake_*               stake_credit          Slashed (the sink's part), PoolReset (the dust)
--   collect        fee_credit            wallet                CreditCollected
--   collect        fee_credit            reserve_pending       CreditCollected of the reserve
--   collect        stake_credit          wallet                SlashedStakeCollected
--   collect        bond_credit           wallet                CreditCollected of ChallengeManager
--   burn           *_credit              burned                the same three, when the account is 0x…dEaD
--   receive        reserve_pending       reserve               PeriodClosed (what the settlement had paid since the last)
--   gift           wallet                reserve               PeriodClosed (what came by transfers; the giver is not known)
--   reward_release reserve               reward_owed           PeriodClosed (set aside for claims)
--   surplus        reserve               unburned              PeriodClosed (set aside to be burned)
--   claim          reward_owed           wallet                RewardClaimed (what was paid)
--   expire         reward_owed           reserve               RewardsExpired
--   burn           unburned              burned                SurplusBurned
--   bond           wallet                bond                  ChallengeOpened
--   bond_credit    bond                  bond_credit           BondCredited
--   stake          wallet                stake_active          Staked
--   thaw           stake_active          stake_thawing         Thawed
--   withdraw       stake_thawing         wallet                Withdrawn
--
-- Accounts: `escrow` is named by its payer, `royalties` by the model id, `bond` by the case's number as a word, operators'
-- classes by the operator, the reserve's by its address, credits and wallets by the address; a giver that is not known is
-- zero. Where a penalty has several sources (claimable, locked, undrawn earnings; active, thawing stake), its parts are
-- taken from them in this order: the refund first, then the cut, what is burned, the rest.
create table flow (
    block_number bigint   not null references block on delete cascade,
    log_index    int      not null,
    part         smallint not null,
    kind         text     not null check (kind in (
        'deposit', 'exit', 'fee', 'royalty', 'protocol_fee', 'batch_release', 'release', 'claim', 'reward', 'reward_claim',
        'royalty_claim', 'refund', 'slash', 'slash_cut', 'slash_burn', 'collect', 'burn', 'receive', 'gift',
        'reward_release', 'surplus', 'expire', 'bond', 'bond_credit', 'stake', 'thaw', 'withdraw')),
    token        address  not null,
    from_class   text     not null check (from_class in (
        'wallet', 'escrow', 'earnings_undrawn', 'earnings_locked', 'earnings_claimable', 'royalties', 'fee_credit',
        'stake_active', 'stake_thawing', 'stake_credit', 'rewards', 'reserve_pending', 'reserve', 'reward_owed', 'unburned',
        'bond', 'bond_credit')),
    from_account bytea    not null check (length(from_account) in (20, 32)),
    to_class     text     not null check (to_class in (
        'wallet', 'burned', 'escrow', 'earnings_undrawn', 'earnings_locked', 'earnings_claimable', 'royalties', 'fee_credit',
        'stake_active', 'stake_thawing', 'stake_credit', 'rewards', 'reserve_pending', 'reserve', 'reward_owed', 'unburned',
        'bond', 'bond_credit')),
    to_account   bytea    not null check (length(to_account) in (20, 32)),
    operator     address, -- whose business caused it; null for royalty claims, collections and what the reserve does alone
    amount       uint256  not null check (amount > 0),
    primary key (block_number, log_index, part)
);

create index on flow (operator, block_number, log_index, part);
create index on flow (kind, block_number, log_index, part);

-- Running totals of `flow` per edge: one row for each block in which an edge carried tokens, totals since the start.
-- A window's sum is the newest row at its end less the newest row before its start.
create table flow_total (
    block_number bigint  not null references block on delete cascade,
    token        address not null,
    kind         text    not null,
    from_class   text    not null,
    to_class     text    not null,
    amount       uint256 not null,
    movements    bigint  not null,
    primary key (token, kind, from_class, to_class, block_number)
);

create index on flow_total (block_number);
