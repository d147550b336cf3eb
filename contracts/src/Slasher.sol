// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {ISlasher} from "./interfaces/ISlasher.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Slasher
/// @notice Behaviour, units and errors are documented on `ISlasher`.
contract Slasher is ISlasher, AccessManaged {
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_PRINCIPAL_BPS = 1000;
    uint256 private constant MAX_REPORTER_CUT_BPS = 2000;
    uint256 private constant MAX_MEMORY_PERIODS = 64;
    uint256 private constant MAX_JAIL_SECONDS = 90 days;

    IUptimeLedger public immutable UPTIME_LEDGER;
    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    IInferenceSettlement public immutable INFERENCE_SETTLEMENT;
    uint64 public immutable EVIDENCE_WINDOW;

    DowntimePenalty private _penalty;
    /// @dev One bit for each punished period, 256 periods a word.
    mapping(address operator => mapping(uint64 word => uint256)) private _punished;

    constructor(
        address manager,
        IUptimeLedger uptimeLedger,
        IOperatorRegistry operatorRegistry,
        IStakeVault stakeVault,
        IInferenceSettlement inferenceSettlement,
        uint64 evidenceWindow,
        DowntimePenalty memory penalty
    ) AccessManaged(manager) {
        // Punished after it is final, and before a thaw begun with the period can have ended.
        uint256 periodSeconds = uptimeLedger.periodStart(1) - uptimeLedger.periodStart(0);
        uint256 latest = Math.saturatingSub(stakeVault.THAW(), periodSeconds);
        _requireWithin("evidenceWindow", evidenceWindow, uptimeLedger.schedule().reportWindow + 1, latest);
        UPTIME_LEDGER = uptimeLedger;
        OPERATOR_REGISTRY = operatorRegistry;
        STAKE_VAULT = stakeVault;
        INFERENCE_SETTLEMENT = inferenceSettlement;
        EVIDENCE_WINDOW = evidenceWindow;
        emit SlasherConfigured(
            address(uptimeLedger),
            address(operatorRegistry),
            address(stakeVault),
            address(inferenceSettlement),
            evidenceWindow
        );
        _changeDowntimePenalty(penalty);
    }

    /// @inheritdoc ISlasher
    function changeDowntimePenalty(DowntimePenalty calldata penalty) external restricted {
        _changeDowntimePenalty(penalty);
    }

    /// @inheritdoc ISlasher
    function punishDowntime(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        external
    {
        (uint32 observedSlots, uint32 missedSlots) = _judge(operator, period, observed, up);
        _punished[operator][period >> 8] |= 1 << (period & 0xff);
        uint32 count = strikes(operator, period);
        uint256 earningsTaken = _takeEarnings(operator, missedSlots, observedSlots);
        (uint256 principalTaken, uint64 jailedUntil) = count < _penalty.repeatAfter
            ? (uint256(0), uint64(0))
            : _takePrincipalAndJail(operator, missedSlots, observedSlots);
        emit DowntimePunished(
            operator, period, msg.sender, observedSlots, missedSlots, count, earningsTaken, principalTaken, jailedUntil
        );
    }

    /// @inheritdoc ISlasher
    function downtimePenalty() external view returns (DowntimePenalty memory) {
        return _penalty;
    }

    /// @inheritdoc ISlasher
    function punished(address operator, uint64 period) public view returns (bool) {
        return _punished[operator][period >> 8] & (1 << (period & 0xff)) != 0;
    }

    /// @inheritdoc ISlasher
    function strikes(address operator, uint64 period) public view returns (uint32 count) {
        count = 1;
        uint64 memoryPeriods = _penalty.memoryPeriods;
        uint64 oldest = period - uint64(Math.min(period, memoryPeriods));
        for (uint64 other = oldest; other <= period + memoryPeriods; ++other) {
            if (other != period && punished(operator, other)) ++count;
        }
    }

    function _changeDowntimePenalty(DowntimePenalty memory penalty) private {
        _requireWithin("earningsBps", penalty.earningsBps, 0, BPS);
        _requireWithin("principalBps", penalty.principalBps, 0, MAX_PRINCIPAL_BPS);
        _requireWithin("reporterCutBps", penalty.reporterCutBps, 0, MAX_REPORTER_CUT_BPS);
        _requireWithin("repeatAfter", penalty.repeatAfter, 2, MAX_MEMORY_PERIODS);
        _requireWithin("memoryPeriods", penalty.memoryPeriods, 1, MAX_MEMORY_PERIODS);
        _requireWithin("jailSeconds", penalty.jailSeconds, 0, MAX_JAIL_SECONDS);
        emit DowntimePenaltyChanged(_penalty, penalty);
        _penalty = penalty;
    }

    /// @dev Reverts unless the operator's downtime in the period is a fault that can be punished now.
    function _judge(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        private
        view
        returns (uint32 observedSlots, uint32 missedSlots)
    {
        require(UPTIME_LEDGER.isFinal(period), Slasher_PeriodNotFinal(period));
        uint64 deadline = UPTIME_LEDGER.periodStart(period + 1) + EVIDENCE_WINDOW;
        require(block.timestamp < deadline, Slasher_EvidenceExpired(period, deadline));
        require(!punished(operator, period), Slasher_AlreadyPunished(operator, period));
        uint32 index = _requireExpected(operator, period);
        (observedSlots, missedSlots) = UPTIME_LEDGER.tally(period, index, observed, up);
        uint32 required = (UPTIME_LEDGER.schedule().slotsPerPeriod + 1) / 2;
        require(observedSlots >= required, Slasher_TooLittleObserved(observedSlots, required));
        require(uint256(missedSlots) * 3 > observedSlots, Slasher_NotDown(operator, period, missedSlots, observedSlots));
    }

    /// @dev An operator answers for periods it was in service for from beginning to end. Who is jailed has paid, and who
    ///      left owes nothing: both may be silent.
    function _requireExpected(address operator, uint64 period) private view returns (uint32 index) {
        IOperatorRegistry.Operator memory record = OPERATOR_REGISTRY.operatorOf(operator);
        index = record.index;
        require(
            index < UPTIME_LEDGER.periodOf(period).operatorCount
                && record.inServiceSince <= UPTIME_LEDGER.periodStart(period)
                && (record.outOfServiceSince == 0 || record.outOfServiceSince >= UPTIME_LEDGER.periodStart(period + 1)),
            Slasher_NotExpected(operator, period)
        );
    }

    function _takeEarnings(address operator, uint32 missedSlots, uint32 observedSlots) private returns (uint256) {
        IInferenceSettlement.Earnings memory earnings = INFERENCE_SETTLEMENT.earnings(operator);
        uint256 escrowed = earnings.locked + earnings.claimable + earnings.undrawn;
        return INFERENCE_SETTLEMENT.seize(
            IInferenceSettlement.Seizure({
                operator: operator,
                amount: _part(escrowed, _penalty.earningsBps, missedSlots, observedSlots),
                cutBps: _penalty.reporterCutBps,
                beneficiary: msg.sender,
                victim: address(0),
                refund: 0
            })
        );
    }

    function _takePrincipalAndJail(address operator, uint32 missedSlots, uint32 observedSlots)
        private
        returns (uint256 taken, uint64 jailedUntil)
    {
        uint256 amount = _part(STAKE_VAULT.slashable(operator), _penalty.principalBps, missedSlots, observedSlots);
        taken = STAKE_VAULT.slash(operator, amount, _penalty.reporterCutBps, msg.sender);
        jailedUntil = OPERATOR_REGISTRY.jail(operator, uint64(block.timestamp) + _penalty.jailSeconds);
    }

    /// @dev `amount * bps/1e4 * missed/observed`, rounded down.
    function _part(uint256 amount, uint256 bps, uint256 missedSlots, uint256 observedSlots)
        private
        pure
        returns (uint256)
    {
        return Math.mulDiv(amount, bps * missedSlots, BPS * observedSlots);
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, Slasher_ParameterOutOfRange(name, value, min, max));
    }
}
