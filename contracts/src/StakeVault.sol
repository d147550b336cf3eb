// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IStakeTotals} from "./interfaces/IStakeTotals.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {ShareMath} from "./libraries/ShareMath.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title StakeVault
/// @notice Behaviour, units and errors are documented on `IStakeVault`.
contract StakeVault is IStakeVault, AccessManaged, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev `feesPerShare` is the accumulator's value up to which `rewards` is counted, in the position's generation.
    struct Holding {
        uint256 shares;
        uint256 feesPerShare;
        uint128 rewards;
        uint32 generation;
    }

    /// @dev A `Pool` in fewer slots: 112 bits hold five quadrillion tokens of 18 decimals.
    struct StoredPool {
        uint112 assets;
        uint112 thawAssets;
        uint32 generation;
        uint256 shares;
        uint256 thawShares;
    }

    /// @dev One slot: sums over all pools.
    struct Totals {
        uint128 assets;
        uint128 thawAssets;
    }

    uint256 public constant MAX_CUT_BPS = 2000;
    uint256 public constant MAX_TICKETS = 64;
    uint256 public constant MAX_DELEGATION_RATIO = 20;
    uint64 private constant MAX_THAW = 365 days;
    uint256 private constant BPS = 10_000;

    IERC20 private immutable _STAKE_TOKEN;
    IERC20 private immutable _FEE_TOKEN;
    address public immutable SINK;
    uint256 public immutable OWN_STAKE_FLOOR;
    uint256 public immutable MIN_DEPOSIT;
    uint64 public immutable THAW;

    mapping(address operator => StoredPool) private _pools;
    mapping(address operator => mapping(uint32 generation => uint256)) private _feesPerShare;
    mapping(address operator => mapping(address delegator => Holding)) private _holdings;
    mapping(uint256 ticketId => Ticket) private _tickets;
    mapping(address account => uint256) private _credits;
    uint256 private _lastTicketId;
    Totals private _totals;

    constructor(
        address manager,
        IERC20 stakeToken,
        IERC20 feeToken,
        address sink,
        uint256 ownStakeFloor,
        uint256 minDeposit,
        Durations memory durations
    ) AccessManaged(manager) {
        require(
            address(stakeToken) != address(0) && address(feeToken) != address(0) && sink != address(0),
            StakeVault_ZeroAddress()
        );
        require(ownStakeFloor >= minDeposit, StakeVault_FloorBelowMinDeposit(ownStakeFloor, minDeposit));
        require(durations.thaw <= MAX_THAW, StakeVault_ThawTooLong(durations.thaw, MAX_THAW));
        uint64 required = durations.evidence + durations.dispute + durations.resolution + durations.buffer;
        require(durations.thaw >= required, StakeVault_ThawTooShort(durations.thaw, required));
        _STAKE_TOKEN = stakeToken;
        _FEE_TOKEN = feeToken;
        SINK = sink;
        OWN_STAKE_FLOOR = ownStakeFloor;
        MIN_DEPOSIT = minDeposit;
        THAW = durations.thaw;
        emit StakeVaultConfigured(address(stakeToken), address(feeToken), sink, ownStakeFloor, minDeposit, durations);
    }

    /// @inheritdoc IStakeVault
    function stake(uint256 assets) external nonReentrant returns (uint256 shares) {
        shares = _deposit(msg.sender, assets);
    }

    /// @inheritdoc IStakeVault
    function delegate(address operator, uint256 assets, uint256 minShares)
        external
        nonReentrant
        returns (uint256 shares)
    {
        uint256 ownStake = stakeOf(operator, operator);
        require(ownStake >= OWN_STAKE_FLOOR, StakeVault_OperatorNotBonded(operator, ownStake, OWN_STAKE_FLOOR));
        shares = _deposit(operator, assets);
        require(shares >= minShares, StakeVault_TooFewShares(shares, minShares));
    }

    /// @inheritdoc IStakeVault
    function thaw(address operator, uint256 shares) external nonReentrant returns (uint256 ticketId) {
        StoredPool storage pool_ = _pools[operator];
        Holding storage holding = _accrue(operator, msg.sender);
        require(shares <= holding.shares, StakeVault_InsufficientShares(shares, holding.shares));
        uint256 assets = ShareMath.toAssets(shares, pool_.assets, pool_.shares);
        uint256 thawShares = ShareMath.toThawShares(assets, pool_.thawAssets, pool_.thawShares);
        require(thawShares != 0, StakeVault_NothingToThaw());

        holding.shares -= shares;
        pool_.shares -= shares;
        pool_.assets -= assets.toUint112();
        pool_.thawAssets += assets.toUint112();
        pool_.thawShares += thawShares;
        (_totals.assets, _totals.thawAssets) =
        (_totals.assets - assets.toUint112(), _totals.thawAssets + assets.toUint112());
        uint64 readyAt = uint64(block.timestamp) + THAW;
        ticketId = ++_lastTicketId;
        _tickets[ticketId] = Ticket({
            owner: msg.sender,
            readyAt: readyAt,
            generation: pool_.generation,
            operator: operator,
            thawShares: thawShares
        });
        emit Thawed(operator, msg.sender, ticketId, shares, assets, thawShares, readyAt);
    }

    /// @inheritdoc IStakeVault
    function withdraw(uint256[] calldata ticketIds) external nonReentrant returns (uint256 assets) {
        require(ticketIds.length <= MAX_TICKETS, StakeVault_TooManyTickets(ticketIds.length, MAX_TICKETS));
        for (uint256 i = 0; i < ticketIds.length; ++i) {
            assets += _redeem(ticketIds[i]);
        }
        _STAKE_TOKEN.safeTransfer(msg.sender, assets);
    }

    /// @inheritdoc IStakeVault
    function slash(address operator, uint256 amount, uint256 cutBps, address beneficiary)
        external
        restricted
        nonReentrant
        returns (uint256 actual)
    {
        require(cutBps <= MAX_CUT_BPS, StakeVault_CutTooHigh(cutBps, MAX_CUT_BPS));
        StoredPool storage pool_ = _pools[operator];
        uint256 before = uint256(pool_.assets) + pool_.thawAssets;
        actual = Math.min(amount, before);
        if (actual == 0) return 0;

        (uint256 fromActive, uint256 fromThawing) = ShareMath.splitSlash(actual, pool_.assets, pool_.thawAssets);
        _remove(pool_, fromActive.toUint112(), fromThawing.toUint112());
        uint256 cut = beneficiary == address(0) ? 0 : Math.mulDiv(actual, cutBps, BPS);
        _credits[beneficiary] += cut;
        _credits[SINK] += actual - cut;
        emit Slashed(operator, beneficiary, fromActive, fromThawing, cut);
        if (ShareMath.isWipedOut(before - actual, before)) _reset(operator, pool_);
    }

    /// @inheritdoc IStakeVault
    function collectSlashed(address account) external nonReentrant returns (uint256 amount) {
        amount = _credits[account];
        require(amount != 0, StakeVault_NothingToClaim(account));
        _credits[account] = 0;
        emit SlashedStakeCollected(account, amount);
        _STAKE_TOKEN.safeTransfer(account, amount);
    }

    /// @inheritdoc IStakeVault
    function distribute(address operator, uint256 amount) external nonReentrant {
        StoredPool storage pool_ = _pools[operator];
        require(pool_.shares != 0, StakeVault_NoShares(operator));
        _feesPerShare[operator][pool_.generation] += Math.mulDiv(amount, ShareMath.FEE_SCALE, pool_.shares);
        emit FeesDistributed(operator, msg.sender, amount);
        _FEE_TOKEN.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function claimRewards(address operator) external nonReentrant returns (uint256 amount) {
        Holding storage holding = _accrue(operator, msg.sender);
        amount = holding.rewards;
        require(amount != 0, StakeVault_NothingToClaim(msg.sender));
        holding.rewards = 0;
        emit RewardsClaimed(operator, msg.sender, amount);
        _FEE_TOKEN.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IStakeVault
    function STAKE_TOKEN() external view returns (address) {
        return address(_STAKE_TOKEN);
    }

    /// @inheritdoc IStakeVault
    function FEE_TOKEN() external view returns (address) {
        return address(_FEE_TOKEN);
    }

    /// @inheritdoc IStakeVault
    function pool(address operator) external view returns (Pool memory) {
        StoredPool memory pool_ = _pools[operator];
        return Pool({
            assets: pool_.assets,
            thawAssets: pool_.thawAssets,
            shares: pool_.shares,
            thawShares: pool_.thawShares,
            generation: pool_.generation
        });
    }

    /// @inheritdoc IStakeVault
    function position(address operator, address delegator) external view returns (Position memory) {
        Holding storage holding = _holdings[operator][delegator];
        return Position({
            shares: holding.generation == _pools[operator].generation ? holding.shares : 0,
            rewards: holding.rewards + _pendingRewards(operator, holding)
        });
    }

    /// @inheritdoc IStakeVault
    function ticket(uint256 ticketId) external view returns (Ticket memory) {
        return _tickets[ticketId];
    }

    /// @inheritdoc IStakeVault
    function isBonded(address operator) external view returns (bool) {
        return stakeOf(operator, operator) >= OWN_STAKE_FLOOR;
    }

    /// @inheritdoc IStakeVault
    function collateral(address operator) external view returns (uint256) {
        uint256 own = stakeOf(operator, operator);
        if (own < OWN_STAKE_FLOOR) return 0;
        return own + Math.min(_pools[operator].assets - own, MAX_DELEGATION_RATIO * own);
    }

    /// @inheritdoc IStakeTotals
    function totalAssets() external view returns (uint256) {
        return _totals.assets;
    }

    /// @inheritdoc IStakeTotals
    function totalThawing() external view returns (uint256) {
        return _totals.thawAssets;
    }

    /// @inheritdoc IStakeVault
    function slashable(address operator) external view returns (uint256) {
        return uint256(_pools[operator].assets) + _pools[operator].thawAssets;
    }

    /// @inheritdoc IStakeVault
    function credited(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IStakeVault
    function stakeOf(address operator, address delegator) public view returns (uint256) {
        StoredPool storage pool_ = _pools[operator];
        Holding storage holding = _holdings[operator][delegator];
        if (holding.generation != pool_.generation) return 0;
        return ShareMath.toAssets(holding.shares, pool_.assets, pool_.shares);
    }

    function _deposit(address operator, uint256 assets) private returns (uint256 shares) {
        require(assets >= MIN_DEPOSIT, StakeVault_BelowMinDeposit(assets, MIN_DEPOSIT));
        StoredPool storage pool_ = _pools[operator];
        Holding storage holding = _accrue(operator, msg.sender);
        shares = ShareMath.toShares(assets, pool_.assets, pool_.shares);
        holding.shares += shares;
        pool_.shares += shares;
        pool_.assets += assets.toUint112();
        _totals.assets += assets.toUint112();
        emit Staked(operator, msg.sender, assets, shares);
        _STAKE_TOKEN.pullExact(msg.sender, assets);
    }

    function _redeem(uint256 ticketId) private returns (uint256 assets) {
        Ticket memory ticket_ = _tickets[ticketId];
        require(ticket_.owner == msg.sender, StakeVault_NotTicketOwner(ticketId, msg.sender));
        require(block.timestamp >= ticket_.readyAt, StakeVault_TicketNotReady(ticketId, ticket_.readyAt));
        delete _tickets[ticketId];
        StoredPool storage pool_ = _pools[ticket_.operator];
        if (ticket_.generation == pool_.generation) {
            assets = ShareMath.toAssets(ticket_.thawShares, pool_.thawAssets, pool_.thawShares);
            pool_.thawShares -= ticket_.thawShares;
            _remove(pool_, 0, assets.toUint112());
        }
        emit Withdrawn(ticket_.operator, msg.sender, ticketId, assets);
    }

    function _reset(address operator, StoredPool storage pool_) private {
        uint256 dust = uint256(pool_.assets) + pool_.thawAssets;
        _remove(pool_, pool_.assets, pool_.thawAssets);
        uint32 generation = pool_.generation + 1;
        (pool_.generation, pool_.shares, pool_.thawShares) = (generation, 0, 0);
        _credits[SINK] += dust;
        emit PoolReset(operator, generation, dust);
    }

    /// @dev Stake leaves a pool and the vault's totals together.
    function _remove(StoredPool storage pool_, uint112 active, uint112 thawing) private {
        (pool_.assets, pool_.thawAssets) = (pool_.assets - active, pool_.thawAssets - thawing);
        (_totals.assets, _totals.thawAssets) = (_totals.assets - active, _totals.thawAssets - thawing);
    }

    /// @dev Brings a holding up to date: rewards counted, shares of a wiped-out generation dropped.
    function _accrue(address operator, address delegator) private returns (Holding storage holding) {
        holding = _holdings[operator][delegator];
        uint256 pending = _pendingRewards(operator, holding);
        if (pending != 0) holding.rewards += pending.toUint128();
        uint32 generation = _pools[operator].generation;
        if (holding.generation != generation) {
            holding.generation = generation;
            holding.shares = 0;
        }
        holding.feesPerShare = _feesPerShare[operator][generation];
    }

    function _pendingRewards(address operator, Holding storage holding) private view returns (uint256) {
        uint256 growth = _feesPerShare[operator][holding.generation] - holding.feesPerShare;
        return growth == 0 ? 0 : Math.mulDiv(holding.shares, growth, ShareMath.FEE_SCALE);
    }
}
