// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IRewardReserve} from "./interfaces/IRewardReserve.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {PoolIncome} from "./libraries/PoolIncome.sol";
import {RewardMath} from "./libraries/RewardMath.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title RewardReserve
/// @notice Behaviour, units and errors are documented on `IRewardReserve`.
contract RewardReserve is IRewardReserve, AccessManaged, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev One slot. In force from `firstPeriod` on, until the next change's.
    struct Change {
        uint64 firstPeriod;
        Parameters parameters;
    }

    /// @dev One slot, because every close reads and writes it.
    struct Binding {
        IInferenceSettlement settlement;
        uint16 protocolFeeBps;
        uint64 nextPeriod;
    }

    /// @dev Protocol fees up to `charged` have been counted for the time up to `until`.
    struct Counted {
        uint128 charged;
        uint64 until;
    }

    address public constant BURN = 0x000000000000000000000000000000000000dEaD;
    uint64 public constant MAX_SKIPPED = 256;
    uint256 private constant BPS = 10_000;
    /// @dev A longer period would let one release be a large part of the reserve.
    uint256 private constant MAX_PERIOD_SECONDS = 30 days;
    uint256 private constant MAX_REPORT_SECONDS = 30 days;
    uint256 private constant MAX_CLAIM_SECONDS = 365 days;

    IERC20 private immutable _FEE_TOKEN;
    IUptimeLedger public immutable UPTIME_LEDGER;
    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    uint256 public immutable BOND;
    uint64 public immutable REPORT_SECONDS;
    uint64 public immutable CLAIM_SECONDS;
    uint64 private immutable PERIOD_SECONDS;
    /// @dev Seconds from a period's end to the end of its reports.
    uint64 private immutable CLOSE_DELAY;

    Binding private _binding;
    Counted private _counted;
    uint256 public funds;
    uint256 public owed;
    uint256 public unburned;
    Change[] private _changes;
    /// @dev Position of the change that the last closed period was paid by.
    uint256 private _inForce;
    mapping(uint64 period => Period) private _periods;
    mapping(uint64 period => mapping(address operator => Entry)) private _entries;
    mapping(uint64 period => mapping(bytes32 domain => uint256)) private _domainWeights;

    constructor(
        address manager,
        IUptimeLedger uptimeLedger,
        IOperatorRegistry operatorRegistry,
        IStakeVault stakeVault,
        uint64 reportSeconds,
        uint64 claimSeconds,
        Parameters memory parameters_
    ) AccessManaged(manager) {
        require(
            address(uptimeLedger) != address(0) && address(operatorRegistry) != address(0)
                && address(stakeVault) != address(0),
            RewardReserve_ZeroAddress()
        );
        uint64 periodSeconds = uptimeLedger.periodStart(1) - uptimeLedger.periodStart(0);
        uint256 bond = stakeVault.OWN_STAKE_FLOOR();
        _requireWithin("periodSeconds", periodSeconds, 1, MAX_PERIOD_SECONDS);
        _requireWithin("bond", bond, 1, type(uint128).max);
        _requireWithin("reportSeconds", reportSeconds, 1, MAX_REPORT_SECONDS);
        _requireWithin("claimSeconds", claimSeconds, 1, MAX_CLAIM_SECONDS);
        _FEE_TOKEN = IERC20(stakeVault.FEE_TOKEN());
        UPTIME_LEDGER = uptimeLedger;
        OPERATOR_REGISTRY = operatorRegistry;
        STAKE_VAULT = stakeVault;
        BOND = bond;
        REPORT_SECONDS = reportSeconds;
        CLAIM_SECONDS = claimSeconds;
        PERIOD_SECONDS = periodSeconds;
        CLOSE_DELAY = uptimeLedger.schedule().reportWindow + reportSeconds;
        emit RewardReserveConfigured(
            address(uptimeLedger),
            address(operatorRegistry),
            address(stakeVault),
            address(_FEE_TOKEN),
            bond,
            reportSeconds,
            claimSeconds
        );
        _pushChange(0, parameters_);
    }

    /// @inheritdoc IRewardReserve
    function bind(address settlement) external restricted {
        address bound = address(_binding.settlement);
        require(bound == address(0), RewardReserve_AlreadyBound(bound));
        IInferenceSettlement settlement_ = IInferenceSettlement(settlement);
        address reserve = settlement_.RESERVE();
        require(reserve == address(this), RewardReserve_NotItsReserve(settlement, reserve));
        address settled = settlement_.FEE_TOKEN();
        require(settled == address(_FEE_TOKEN), RewardReserve_FeeTokenMismatch(address(_FEE_TOKEN), settled));
        // Fees are known by the protocol's part of them.
        uint16 protocolFeeBps = settlement_.PROTOCOL_FEE_BPS();
        require(protocolFeeBps != 0, RewardReserve_NoProtocolFee(settlement));
        uint64 firstPeriod = _upcomingPeriod();
        _binding = Binding({settlement: settlement_, protocolFeeBps: protocolFeeBps, nextPeriod: firstPeriod});
        _counted = Counted({charged: settlement_.protocolFeesCharged().toUint128(), until: uint64(block.timestamp)});
        emit SettlementBound(settlement, protocolFeeBps, firstPeriod);
    }

    /// @inheritdoc IRewardReserve
    function changeParameters(Parameters calldata parameters_) external restricted {
        _pushChange(_upcomingPeriod(), parameters_);
    }

    /// @inheritdoc IRewardReserve
    function enrol(address operator) external returns (uint64 period) {
        require(address(_binding.settlement) != address(0), RewardReserve_NotBound());
        uint256 collateral = STAKE_VAULT.collateral(operator);
        require(collateral != 0, RewardReserve_NoCollateral(operator));
        period = _upcomingPeriod();
        _entries[period][operator].enrolled = collateral.toUint128();
        emit OperatorEnrolled(operator, period, collateral);
    }

    /// @inheritdoc IRewardReserve
    function report(uint64 period, address operator, uint256[] calldata observed, uint256[] calldata up)
        external
        returns (uint256 weight)
    {
        Entry storage entry = _reportable(period, operator);
        IOperatorRegistry.Operator memory record = OPERATOR_REGISTRY.operatorOf(operator);
        require(record.status == IOperatorRegistry.Status.Active, RewardReserve_NotActive(operator));
        uint256 availabilityBps = _availability(period, record.index, observed, up);
        weight = RewardMath.weight(Math.min(entry.enrolled, STAKE_VAULT.collateral(operator)), availabilityBps);
        require(weight != 0, RewardReserve_NothingEarned(period, operator));
        (entry.weight, entry.domain) = (weight.toUint128(), record.domain);
        _periods[period].weight += weight.toUint128();
        _domainWeights[period][record.domain] += weight;
        emit AvailabilityReported(operator, period, record.domain, availabilityBps, weight);
    }

    /// @inheritdoc IRewardReserve
    function close(uint64 period) external nonReentrant {
        _requireClosable(period);
        Parameters memory terms = _advanceParameters(period);
        uint256 protocolFees = _countFees(closesAt(period));
        uint256 received = _receive();
        Period storage stored = _periods[period];
        uint256 wages = RewardMath.wages(stored.weight, terms.wage, PERIOD_SECONDS, BOND);
        (uint256 release, uint256 burned) = _apply(terms, wages, protocolFees);

        uint64 expiresAt = uint64(block.timestamp) + CLAIM_SECONDS;
        _binding.nextPeriod = period + 1;
        (stored.release, stored.expiresAt, stored.domainBps) = (release.toUint128(), expiresAt, terms.domainBps);
        emit PeriodClosed(period, stored.weight, wages, protocolFees, received, release, burned, expiresAt);
    }

    /// @inheritdoc IRewardReserve
    function claim(uint64 period, address operator) external nonReentrant returns (uint256 amount) {
        Period storage stored = _periods[period];
        uint64 expiresAt = stored.expiresAt;
        require(expiresAt != 0, RewardReserve_NotClosed(period));
        require(block.timestamp < expiresAt, RewardReserve_ClaimsExpired(period, expiresAt));
        uint256 due = reward(period, operator);
        require(due != 0, RewardReserve_NothingToClaim(period, operator));
        delete _entries[period][operator];
        stored.paid += due.toUint128();
        owed -= due;

        (address payout, uint256 paid, uint256 distributed) =
            PoolIncome.split(_FEE_TOKEN, OPERATOR_REGISTRY, STAKE_VAULT, operator, due);
        amount = paid + distributed;
        uint256 withheld = due - amount;
        if (withheld != 0) {
            _entries[period][operator].withheld = withheld.toUint128();
            stored.paid -= withheld.toUint128();
            owed += withheld;
        }
        emit RewardClaimed(operator, period, payout, paid, distributed, withheld);
        PoolIncome.send(_FEE_TOKEN, STAKE_VAULT, operator, payout, paid, distributed);
    }

    /// @inheritdoc IRewardReserve
    function expire(uint64 period) external nonReentrant returns (uint256 amount) {
        Period storage stored = _periods[period];
        uint64 expiresAt = stored.expiresAt;
        require(expiresAt != 0 && block.timestamp >= expiresAt, RewardReserve_NotExpired(period, expiresAt));
        amount = stored.release - stored.paid;
        require(amount != 0, RewardReserve_NothingToExpire(period));
        stored.release = stored.paid;
        owed -= amount;
        funds += amount;
        emit RewardsExpired(period, amount);
    }

    /// @inheritdoc IRewardReserve
    function burn() external nonReentrant returns (uint256 amount) {
        amount = unburned;
        require(amount != 0, RewardReserve_NothingToBurn());
        unburned = 0;
        emit SurplusBurned(amount);
        _FEE_TOKEN.safeTransfer(BURN, amount);
    }

    /// @inheritdoc IRewardReserve
    function FEE_TOKEN() external view returns (address) {
        return address(_FEE_TOKEN);
    }

    /// @inheritdoc IRewardReserve
    function inferenceSettlement() external view returns (address) {
        return address(_binding.settlement);
    }

    /// @inheritdoc IRewardReserve
    function parameters() external view returns (Parameters memory newest, uint64 firstPeriod) {
        Change memory change = _changes[_changes.length - 1];
        return (change.parameters, change.firstPeriod);
    }

    /// @inheritdoc IRewardReserve
    function nextPeriod() external view returns (uint64) {
        return _binding.nextPeriod;
    }

    /// @inheritdoc IRewardReserve
    function periodOf(uint64 period) external view returns (Period memory) {
        return _periods[period];
    }

    /// @inheritdoc IRewardReserve
    function entryOf(uint64 period, address operator) external view returns (Entry memory) {
        return _entries[period][operator];
    }

    /// @inheritdoc IRewardReserve
    function domainWeight(uint64 period, bytes32 domain) external view returns (uint256) {
        return _domainWeights[period][domain];
    }

    /// @inheritdoc IRewardReserve
    function closesAt(uint64 period) public view returns (uint64) {
        return UPTIME_LEDGER.periodStart(period + 1) + CLOSE_DELAY;
    }

    /// @inheritdoc IRewardReserve
    function reward(uint64 period, address operator) public view returns (uint256) {
        Period memory stored = _periods[period];
        if (block.timestamp >= stored.expiresAt) return 0;
        Entry memory entry = _entries[period][operator];
        if (entry.weight == 0) return entry.withheld;
        return RewardMath.share(
            stored.release, entry.weight, stored.weight, _domainWeights[period][entry.domain], stored.domainBps
        );
    }

    /// @dev Divides what fees and wages leave: a release for wages that fees fell short of, or a burn of what the reserve
    ///      does not keep of a surplus.
    function _apply(Parameters memory terms, uint256 wages, uint256 protocolFees)
        private
        returns (uint256 release, uint256 burned)
    {
        uint256 fees = RewardMath.netFees(protocolFees, _binding.protocolFeeBps);
        uint256 free = funds;
        if (fees > wages) {
            uint256 retained = RewardMath.retained(protocolFees, fees - wages, terms.refillBps);
            burned = Math.min(free, protocolFees - retained);
            unburned += burned;
        } else {
            release = RewardMath.release(wages - fees, free, PERIOD_SECONDS);
            owed += release;
        }
        funds = free - release - burned;
    }

    /// @dev Anyone may have the settlement pay its reserve, without a call here: what came is what the books lack.
    function _receive() private returns (uint256 received) {
        IInferenceSettlement settlement = _binding.settlement;
        if (settlement.credited(address(this)) != 0) settlement.collect(address(this));
        received = _FEE_TOKEN.balanceOf(address(this)) - (funds + owed + unburned);
        funds += received;
    }

    /// @dev Protocol fees of one period, were those charged since the last close spread evenly over the time since then; the
    ///      time up to `until` is counted, the rest stays for later closes. Rounds down.
    function _countFees(uint64 until) private returns (uint256 protocolFees) {
        Counted memory counted = _counted;
        uint256 elapsed = block.timestamp - counted.until;
        uint256 growth = _binding.settlement.protocolFeesCharged() - counted.charged;
        protocolFees = Math.mulDiv(growth, PERIOD_SECONDS, elapsed);
        uint256 part = Math.mulDiv(growth, until - counted.until, elapsed);
        _counted = Counted({charged: counted.charged + part.toUint128(), until: until});
    }

    /// @dev The parameters of a period. Periods are closed in ascending order, and each change is passed once.
    function _advanceParameters(uint64 period) private returns (Parameters memory) {
        uint256 last = _changes.length - 1;
        uint256 position = _inForce;
        while (position < last && _changes[position + 1].firstPeriod <= period) {
            ++position;
        }
        _inForce = position;
        return _changes[position].parameters;
    }

    function _pushChange(uint64 firstPeriod, Parameters memory current) private {
        _requireWithin("domainBps", current.domainBps, 1, BPS);
        _requireWithin("refillBps", current.refillBps, 0, BPS);
        uint256 count = _changes.length;
        Parameters memory previous;
        if (count != 0) previous = _changes[count - 1].parameters;
        emit RewardParametersChanged(firstPeriod, previous, current);
        Change memory change = Change({firstPeriod: firstPeriod, parameters: current});
        // No more than one for a period, so that a close passes no more of them than periods.
        if (count != 0 && _changes[count - 1].firstPeriod == firstPeriod) _changes[count - 1] = change;
        else _changes.push(change);
    }

    /// @dev The entry of an operator that can be reported now.
    function _reportable(uint64 period, address operator) private view returns (Entry storage entry) {
        require(UPTIME_LEDGER.isFinal(period), RewardReserve_PeriodNotFinal(period));
        uint64 closedAt = closesAt(period);
        require(block.timestamp < closedAt, RewardReserve_ReportsClosed(period, closedAt));
        entry = _entries[period][operator];
        require(entry.enrolled != 0, RewardReserve_NotEnrolled(period, operator));
        require(entry.weight == 0, RewardReserve_AlreadyReported(period, operator));
    }

    function _availability(uint64 period, uint32 index, uint256[] calldata observed, uint256[] calldata up)
        private
        view
        returns (uint256)
    {
        (uint32 observedSlots, uint32 missedSlots) = UPTIME_LEDGER.tally(period, index, observed, up);
        return RewardMath.availability(observedSlots, missedSlots);
    }

    function _requireClosable(uint64 period) private view {
        Binding memory binding = _binding;
        require(address(binding.settlement) != address(0), RewardReserve_NotBound());
        require(period >= binding.nextPeriod, RewardReserve_AlreadyClosed(period));
        uint64 closesAt_ = closesAt(period);
        require(block.timestamp >= closesAt_, RewardReserve_TooEarlyToClose(period, closesAt_));
        uint64 last = binding.nextPeriod + MAX_SKIPPED;
        require(period <= last, RewardReserve_TooManySkipped(period, last));
        for (uint64 earlier = binding.nextPeriod; earlier < period; ++earlier) {
            require(_periods[earlier].weight == 0, RewardReserve_OutOfOrder(period, earlier));
        }
    }

    /// @dev The first period that has not begun.
    function _upcomingPeriod() private view returns (uint64) {
        if (block.timestamp < UPTIME_LEDGER.periodStart(0)) return 0;
        return UPTIME_LEDGER.periodAt(uint64(block.timestamp)) + 1;
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, RewardReserve_ParameterOutOfRange(name, value, min, max));
    }
}
