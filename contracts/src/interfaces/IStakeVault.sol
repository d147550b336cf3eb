// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeTotals} from "./IStakeTotals.sol";

/// @title Stake of operators and their delegators: one share pool for each operator
/// @notice Immutable. A slash takes from the whole pool pro rata, thawing stake included. Amounts are base units of
///         the stake token unless a name says fee; shares have six more decimals than assets.
interface IStakeVault is IStakeTotals {
    /// @notice Durations in seconds; `thaw >= evidence + dispute + resolution + buffer` is checked at deployment, so
    ///         that no fault committed before a thaw began can outlive it.
    struct Durations {
        uint64 thaw;
        uint64 evidence;
        uint64 dispute;
        uint64 resolution;
        uint64 buffer;
    }

    /// @param assets Active stake, at most 2^112 - 1, like thawing stake.
    /// @param thawAssets Stake on its way out, slashable until withdrawn.
    /// @param shares Shares of `assets`.
    /// @param thawShares Shares of `thawAssets`, held by tickets.
    /// @param generation Rises when a slash wipes the pool out; shares and tickets of older generations are void.
    struct Pool {
        uint128 assets;
        uint128 thawAssets;
        uint256 shares;
        uint256 thawShares;
        uint32 generation;
    }

    /// @param shares Active shares in the current generation.
    /// @param rewards Fee tokens that can be claimed now.
    struct Position {
        uint256 shares;
        uint256 rewards;
    }

    /// @param owner Who may withdraw; zero when the ticket does not exist or was withdrawn.
    /// @param readyAt Unix seconds from which it can be withdrawn.
    /// @param generation Pool generation the shares belong to.
    /// @param operator Pool.
    /// @param thawShares Shares of the pool's `thawAssets`.
    struct Ticket {
        address owner;
        uint64 readyAt;
        uint32 generation;
        address operator;
        uint256 thawShares;
    }

    /// @notice `delegator` (the operator itself for own stake) put `assets` into the pool and got `shares`.
    event Staked(address indexed operator, address indexed delegator, uint256 assets, uint256 shares);

    /// @notice `shares` worth `assets` began to thaw; the ticket holds `thawShares` and is ready at `readyAt`.
    event Thawed(
        address indexed operator,
        address indexed delegator,
        uint256 indexed ticketId,
        uint256 shares,
        uint256 assets,
        uint256 thawShares,
        uint64 readyAt
    );

    /// @notice A ticket was paid out and ceased to exist.
    event Withdrawn(address indexed operator, address indexed delegator, uint256 indexed ticketId, uint256 assets);

    /// @notice A slash took `fromActive + fromThawing`; `cut` of it is credited to `beneficiary`, the rest to the sink.
    event Slashed(
        address indexed operator, address indexed beneficiary, uint256 fromActive, uint256 fromThawing, uint256 cut
    );

    /// @notice A slash took all but `dust` of the pool: shares and tickets are void, the dust is credited to the sink.
    event PoolReset(address indexed operator, uint32 generation, uint256 dust);

    /// @notice Fee tokens were shared out over the pool's active shares.
    event FeesDistributed(address indexed operator, address indexed from, uint256 amount);

    /// @notice A delegator took its share of distributed fees, in fee tokens.
    event RewardsClaimed(address indexed operator, address indexed delegator, uint256 amount);

    /// @notice Slashed stake left the vault for the account it was credited to.
    event SlashedStakeCollected(address indexed account, uint256 amount);

    /// @notice Emitted once, at deployment.
    event StakeVaultConfigured(
        address stakeToken,
        address feeToken,
        address sink,
        uint256 ownStakeFloor,
        uint256 minDeposit,
        Durations durations
    );

    error StakeVault_BelowMinDeposit(uint256 assets, uint256 minDeposit);
    error StakeVault_OperatorNotBonded(address operator, uint256 ownStake, uint256 floor);
    error StakeVault_TooFewShares(uint256 shares, uint256 minShares);
    error StakeVault_InsufficientShares(uint256 shares, uint256 available);
    error StakeVault_NothingToThaw();
    error StakeVault_NotTicketOwner(uint256 ticketId, address caller);
    error StakeVault_TicketNotReady(uint256 ticketId, uint64 readyAt);
    error StakeVault_TooManyTickets(uint256 count, uint256 max);
    error StakeVault_NothingToClaim(address account);
    error StakeVault_NoShares(address operator);
    error StakeVault_CutTooHigh(uint256 cutBps, uint256 max);
    error StakeVault_ThawTooShort(uint64 thaw, uint64 required);
    error StakeVault_ThawTooLong(uint64 thaw, uint64 max);
    error StakeVault_ZeroAddress();
    error StakeVault_FloorBelowMinDeposit(uint256 floor, uint256 minDeposit);

    /// @notice Most of a slash that can be credited to a beneficiary, basis points of 10,000.
    function MAX_CUT_BPS() external view returns (uint256);

    /// @notice Most tickets one call may withdraw.
    function MAX_TICKETS() external view returns (uint256);

    /// @notice How many times its own stake an operator's delegated stake counts, at most.
    function MAX_DELEGATION_RATIO() external view returns (uint256);

    /// @notice Own stake below which an operator carries no new risk.
    function OWN_STAKE_FLOOR() external view returns (uint256);

    /// @notice Smallest deposit.
    function MIN_DEPOSIT() external view returns (uint256);

    /// @notice Seconds from thaw to withdrawal.
    function THAW() external view returns (uint64);

    /// @notice Token that is staked.
    function STAKE_TOKEN() external view returns (address);

    /// @notice Token that fees are distributed in; may be the stake token.
    function FEE_TOKEN() external view returns (address);

    /// @notice Account that slashed stake is credited to, less the cut: the burn address, in deployments.
    function SINK() external view returns (address);

    /// @notice Adds to the caller's own stake; this opens its pool.
    /// @return shares Shares minted, rounded down.
    function stake(uint256 assets) external returns (uint256 shares);

    /// @notice Delegates to an operator whose own stake is at or above the floor.
    /// @param minShares Reverts when fewer would be minted (a slash may come first).
    /// @return shares Shares minted, rounded down.
    function delegate(address operator, uint256 assets, uint256 minShares) external returns (uint256 shares);

    /// @notice Starts to withdraw shares. They stop earning at once and stay slashable until withdrawn.
    /// @return ticketId Ticket that `withdraw` takes once `readyAt` has passed.
    function thaw(address operator, uint256 shares) external returns (uint256 ticketId);

    /// @notice Pays out the caller's ready tickets, at most `MAX_TICKETS`. A ticket of a pool that was wiped out pays 0.
    /// @return assets Sum paid.
    function withdraw(uint256[] calldata ticketIds) external returns (uint256 assets);

    /// @notice Takes up to `amount` from the pool, active and thawing stake pro rata. Restricted.
    /// @dev Saturates: it never reverts for size. Credits, never pushes, so that no receiver can block it.
    /// @param cutBps Part credited to `beneficiary`, basis points, at most `MAX_CUT_BPS`, rounded down.
    /// @param beneficiary Zero when nobody gets a cut.
    /// @return actual What was taken.
    function slash(address operator, uint256 amount, uint256 cutBps, address beneficiary)
        external
        returns (uint256 actual);

    /// @notice Pays slashed stake to the account that it was credited to. Anyone may call.
    function collectSlashed(address account) external returns (uint256 amount);

    /// @notice Shares fee tokens of the caller out over the pool's active shares. Anyone may pay.
    function distribute(address operator, uint256 amount) external;

    /// @notice Pays the caller's part of distributed fees.
    function claimRewards(address operator) external returns (uint256 amount);

    /// @notice The operator's pool.
    function pool(address operator) external view returns (Pool memory);

    /// @notice What a delegator holds in a pool now.
    function position(address operator, address delegator) external view returns (Position memory);

    /// @notice A thaw ticket.
    function ticket(uint256 ticketId) external view returns (Ticket memory);

    /// @notice Present value of a delegator's active shares, rounded down.
    function stakeOf(address operator, address delegator) external view returns (uint256 assets);

    /// @notice True when the operator's own active stake is at or above the floor.
    function isBonded(address operator) external view returns (bool);

    /// @notice Stake that an operator may take risks and earn by: its own active stake and at most `MAX_DELEGATION_RATIO`
    ///         times as much of others'; zero while its own is below the floor. Thawing stake does not count, because a
    ///         fault found tomorrow may find it gone.
    function collateral(address operator) external view returns (uint256 assets);

    /// @notice Active plus thawing stake: what a slash can reach.
    function slashable(address operator) external view returns (uint256 assets);

    /// @notice Slashed stake that waits for `collectSlashed`.
    function credited(address account) external view returns (uint256 amount);
}
