// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "./interfaces/IFaults.sol";
import {IInferenceSettlement} from "./interfaces/IInferenceSettlement.sol";
import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {ISlasher} from "./interfaces/ISlasher.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {Correlation} from "./libraries/Correlation.sol";
import {FaultWindow} from "./libraries/FaultWindow.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Slasher
/// @notice Behaviour, units and errors are documented on `ISlasher`.
contract Slasher is ISlasher, AccessManaged {
    using FaultWindow for FaultWindow.Window;

    /// @dev What a downtime penalty is scaled by: the missed share of what was observed, and the period's factor.
    struct Share {
        uint256 missedSlots;
        uint256 observedSlots;
        uint256 factorBps;
    }

    uint256 private constant BPS = 10_000;
    /// @dev Of the faults that carelessness is enough for.
    uint256 private constant MAX_LIGHT_PRINCIPAL_BPS = 1000;
    uint256 private constant MAX_CUT_BPS = 2000;
    uint256 private constant MAX_MEMORY_PERIODS = 64;
    uint256 private constant MAX_JAIL_SECONDS = 90 days;
    uint256 private constant MAX_CORRELATION_WINDOW = 365 days;
    uint64 public constant MAX_LOOK_BACK = 64;

    IUptimeLedger public immutable UPTIME_LEDGER;
    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    IStakeVault public immutable STAKE_VAULT;
    IInferenceSettlement public immutable INFERENCE_SETTLEMENT;
    uint64 public immutable EVIDENCE_WINDOW;
    uint64 public immutable CORRELATION_WINDOW;

    DowntimePenalty private _penalty;
    /// @dev `Downtime` has `_penalty`.
    mapping(Fault fault => Terms) private _terms;
    /// @dev One bit for each punished period, 256 periods a word.
    mapping(address operator => mapping(uint64 word => uint256)) private _punished;
    mapping(bytes32 offence => bool) private _offences;
    mapping(uint64 period => Outage) private _outages;
    FaultWindow.Window private _window;
    uint64 public nextPeriod;
    /// @dev Of what periods missed, basis points with eight more bits.
    uint64 private _ewma;

    constructor(
        address manager,
        IUptimeLedger uptimeLedger,
        IOperatorRegistry operatorRegistry,
        IStakeVault stakeVault,
        IInferenceSettlement inferenceSettlement,
        Configuration memory configuration,
        DowntimePenalty memory penalty,
        FaultTable memory table
    ) AccessManaged(manager) {
        _requireConfiguration(uptimeLedger, stakeVault.THAW(), configuration);
        UPTIME_LEDGER = uptimeLedger;
        OPERATOR_REGISTRY = operatorRegistry;
        STAKE_VAULT = stakeVault;
        INFERENCE_SETTLEMENT = inferenceSettlement;
        EVIDENCE_WINDOW = configuration.evidenceWindow;
        CORRELATION_WINDOW = configuration.correlationWindow;
        nextPeriod = configuration.firstPeriod;
        emit SlasherConfigured(
            address(uptimeLedger),
            address(operatorRegistry),
            address(stakeVault),
            address(inferenceSettlement),
            configuration
        );
        _changeDowntimePenalty(penalty);
        _changeFaultTerms(Fault.Withheld, table.withheld);
        _changeFaultTerms(Fault.WrongOutput, table.wrongOutput);
        _changeFaultTerms(Fault.Equivocation, table.equivocation);
        _changeFaultTerms(Fault.FalseReport, table.falseReport);
        _changeFaultTerms(Fault.Unrevealed, table.unrevealed);
    }

    /// @inheritdoc ISlasher
    function changeDowntimePenalty(DowntimePenalty calldata penalty) external restricted {
        _changeDowntimePenalty(penalty);
    }

    /// @inheritdoc ISlasher
    function changeFaultTerms(Fault fault, Terms calldata current) external restricted {
        _changeFaultTerms(fault, current);
    }

    /// @inheritdoc ISlasher
    function weighPeriod(uint64 period, uint256[] calldata observed, uint256[] calldata up) external {
        _requireInOrder(period);
        IUptimeLedger.Period memory stored = UPTIME_LEDGER.periodOf(period);
        require(stored.resultHash == keccak256(abi.encode(observed, up)), Slasher_WrongResult(period));
        uint256 missed = Correlation.missedBps(stored.operatorCount, observed, up);
        uint256 average = Correlation.averageBps(_ewma);
        uint256 factor = Correlation.factorBps(missed, average);
        // Basis points up to 40,000, and an average of basis points with eight more bits.
        // forge-lint: disable-start(unsafe-typecast)
        _outages[period] = Outage({missedBps: uint32(missed), averageBps: uint32(average), factorBps: uint32(factor)});
        (nextPeriod, _ewma) = (period + 1, uint64(Correlation.next(_ewma, missed)));
        emit OutageWeighed(period, uint32(missed), uint32(average), uint32(factor));
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @inheritdoc ISlasher
    function punishDowntime(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        external
    {
        (uint32 observedSlots, uint32 missedSlots) = _judge(operator, period, observed, up);
        _punished[operator][period >> 8] |= 1 << (period & 0xff);
        uint32 count = strikes(operator, period);
        Share memory share =
            Share({missedSlots: missedSlots, observedSlots: observedSlots, factorBps: _outages[period].factorBps});
        uint256 earningsTaken = _seizeForDowntime(operator, share);
        (uint256 principalTaken, uint64 jailedUntil) =
            count < _penalty.repeatAfter ? (uint256(0), uint64(0)) : _slashAndJailForDowntime(operator, share);
        emit DowntimePunished(
            operator, period, msg.sender, observedSlots, missedSlots, count, earningsTaken, principalTaken, jailedUntil
        );
    }

    /// @inheritdoc ISlasher
    function punishDoubleReport(
        uint64 period,
        uint32[] calldata members,
        IUptimeLedger.Report calldata report,
        IUptimeLedger.Report calldata other
    ) external {
        address operator = UPTIME_LEDGER.reporterOf(period, members, report);
        address second = UPTIME_LEDGER.reporterOf(period, members, other);
        require(operator == second, Slasher_DifferentReporters(operator, second));
        require(_contentOf(report) != _contentOf(other), Slasher_SameReport());
        _requireEvidence(period);
        _punish(
            Punishment({
                fault: Fault.Equivocation,
                operator: operator,
                offence: keccak256(abi.encode(address(UPTIME_LEDGER), operator, period)),
                terms: _terms[Fault.Equivocation],
                principalCap: type(uint256).max,
                beneficiary: msg.sender,
                victim: address(0),
                refund: 0
            })
        );
    }

    /// @inheritdoc IFaults
    function punish(Punishment calldata punishment)
        external
        restricted
        returns (uint256 earningsTaken, uint256 principalTaken)
    {
        // A judge's snapshot was in force once, so it keeps the limits that terms are changed within.
        _requireTerms(punishment.fault, punishment.terms);
        (earningsTaken, principalTaken) = _punish(punishment);
    }

    /// @inheritdoc ISlasher
    function downtimePenalty() external view returns (DowntimePenalty memory) {
        return _penalty;
    }

    /// @inheritdoc IFaults
    function terms(Fault fault) external view returns (Terms memory) {
        if (fault != Fault.Downtime) return _terms[fault];
        return Terms({
            earningsBps: _penalty.earningsBps,
            principalBps: _penalty.principalBps,
            correlatedBps: 0,
            cutBps: _penalty.reporterCutBps,
            tombstone: false,
            jailSeconds: _penalty.jailSeconds
        });
    }

    /// @inheritdoc IFaults
    function isPunished(bytes32 offence) external view returns (bool) {
        return _offences[offence];
    }

    /// @inheritdoc IFaults
    function missedBps(uint64 period) external view returns (uint32) {
        return _outages[period].missedBps;
    }

    /// @inheritdoc ISlasher
    function outage(uint64 period) external view returns (Outage memory) {
        return _outages[period];
    }

    /// @inheritdoc ISlasher
    function stakeAtFault() external view returns (uint256 atFault, uint256 total) {
        return (_window.sum(_bucket()), _totalStake());
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
        _requireWithin("principalBps", penalty.principalBps, 0, MAX_LIGHT_PRINCIPAL_BPS);
        _requireWithin("reporterCutBps", penalty.reporterCutBps, 0, MAX_CUT_BPS);
        _requireWithin("repeatAfter", penalty.repeatAfter, 2, MAX_MEMORY_PERIODS);
        _requireWithin("memoryPeriods", penalty.memoryPeriods, 1, MAX_MEMORY_PERIODS);
        _requireWithin("jailSeconds", penalty.jailSeconds, 0, MAX_JAIL_SECONDS);
        emit DowntimePenaltyChanged(_penalty, penalty);
        _penalty = penalty;
    }

    function _changeFaultTerms(Fault fault, Terms memory current) private {
        _requireTerms(fault, current);
        emit FaultTermsChanged(fault, _terms[fault], current);
        _terms[fault] = current;
    }

    function _seizeForDowntime(address operator, Share memory share) private returns (uint256) {
        uint256 amount = _part(_escrowed(operator), _penalty.earningsBps, share);
        return INFERENCE_SETTLEMENT.seize(
            IInferenceSettlement.Seizure({
                operator: operator,
                amount: amount,
                cutBps: _penalty.reporterCutBps,
                beneficiary: msg.sender,
                victim: address(0),
                refund: 0
            })
        );
    }

    function _slashAndJailForDowntime(address operator, Share memory share)
        private
        returns (uint256 taken, uint64 jailedUntil)
    {
        uint256 amount = _part(STAKE_VAULT.slashable(operator), _penalty.principalBps, share);
        taken = STAKE_VAULT.slash(operator, amount, _penalty.reporterCutBps, msg.sender);
        jailedUntil = OPERATOR_REGISTRY.jail(operator, uint64(block.timestamp) + _penalty.jailSeconds);
    }

    /// @dev Earnings first, which the victim is refunded from, then the pool, then service.
    function _punish(Punishment memory punishment) private returns (uint256 earningsTaken, uint256 principalTaken) {
        bytes32 offence = punishment.offence;
        require(!_offences[offence], Slasher_OffencePunished(offence));
        _offences[offence] = true;
        address operator = punishment.operator;
        Terms memory terms_ = punishment.terms;
        // Nobody proved it, nobody gets a cut.
        uint256 cutBps = punishment.beneficiary == address(0) ? 0 : terms_.cutBps;
        uint256 principal = Math.min(_principalAtStake(punishment.fault, operator, terms_), punishment.principalCap);
        earningsTaken = INFERENCE_SETTLEMENT.seize(
            IInferenceSettlement.Seizure({
                operator: operator,
                amount: Math.mulDiv(_escrowed(operator), terms_.earningsBps, BPS),
                cutBps: cutBps,
                beneficiary: punishment.beneficiary,
                victim: punishment.victim,
                refund: punishment.refund
            })
        );
        principalTaken = STAKE_VAULT.slash(operator, principal, cutBps, punishment.beneficiary);
        uint64 jailedUntil = _endService(operator, terms_);
        emit FaultPunished(
            operator,
            punishment.fault,
            offence,
            punishment.beneficiary,
            punishment.victim,
            earningsTaken,
            principalTaken,
            jailedUntil,
            terms_.tombstone
        );
    }

    /// @dev What the terms take of the pool. A fault that is weighed by the stake at fault counts first, itself included.
    function _principalAtStake(Fault fault, address operator, Terms memory terms_) private returns (uint256 amount) {
        uint256 slashable = STAKE_VAULT.slashable(operator);
        amount = Math.mulDiv(slashable, terms_.principalBps, BPS);
        if (!_isCorrelated(fault)) return amount;
        uint64 bucket = _bucket();
        uint256 counted = _window.count(bucket, operator, slashable);
        (uint256 atFault, uint256 total) = (_window.sum(bucket), _totalStake());
        emit StakeAtFaultCounted(operator, counted, atFault, total);
        amount += Correlation.penalty(Math.mulDiv(slashable, terms_.correlatedBps, BPS), atFault, total, 1);
    }

    /// @dev A term of zero jails nobody: it would end service until the operator asked for it back.
    function _endService(address operator, Terms memory terms_) private returns (uint64 jailedUntil) {
        if (terms_.tombstone) {
            OPERATOR_REGISTRY.tombstone(operator);
        } else if (terms_.jailSeconds != 0) {
            jailedUntil = OPERATOR_REGISTRY.jail(operator, uint64(block.timestamp) + terms_.jailSeconds);
        }
    }

    /// @dev All that is earned and not paid out.
    function _escrowed(address operator) private view returns (uint256) {
        IInferenceSettlement.Earnings memory earnings = INFERENCE_SETTLEMENT.earnings(operator);
        return earnings.locked + earnings.claimable + earnings.undrawn;
    }

    function _totalStake() private view returns (uint256) {
        return STAKE_VAULT.totalAssets() + STAKE_VAULT.totalThawing();
    }

    function _bucket() private view returns (uint64) {
        return uint64(block.timestamp * FaultWindow.BUCKETS / CORRELATION_WINDOW);
    }

    /// @dev Reverts unless the operator's downtime in the period is a fault that can be punished now.
    function _judge(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        private
        view
        returns (uint32 observedSlots, uint32 missedSlots)
    {
        require(UPTIME_LEDGER.isFinal(period), Slasher_PeriodNotFinal(period));
        _requireEvidence(period);
        require(!punished(operator, period), Slasher_AlreadyPunished(operator, period));
        require(_outages[period].factorBps != 0, Slasher_WeighPeriodFirst(period));
        uint32 index = _requireExpected(operator, period);
        (observedSlots, missedSlots) = UPTIME_LEDGER.tally(period, index, observed, up);
        uint32 required = (UPTIME_LEDGER.schedule().slotsPerPeriod + 1) / 2;
        require(observedSlots >= required, Slasher_TooLittleObserved(observedSlots, required));
        require(uint256(missedSlots) * 3 > observedSlots, Slasher_NotDown(operator, period, missedSlots, observedSlots));
    }

    function _requireEvidence(uint64 period) private view {
        uint64 deadline = UPTIME_LEDGER.periodStart(period + 1) + EVIDENCE_WINDOW;
        require(block.timestamp < deadline, Slasher_EvidenceExpired(period, deadline));
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

    /// @dev A period with a result before this one would never be weighed, and its downtime never be punished. Further back
    ///      than is looked, the evidence of a result has expired.
    function _requireInOrder(uint64 period) private view {
        require(UPTIME_LEDGER.isFinal(period), Slasher_PeriodNotFinal(period));
        uint64 next = nextPeriod;
        require(period >= next, Slasher_PeriodPassed(period, next));
        uint64 oldest = period - next > MAX_LOOK_BACK ? period - MAX_LOOK_BACK : next;
        for (uint64 other = oldest; other < period; ++other) {
            require(!UPTIME_LEDGER.isFinal(other), Slasher_PeriodSkipped(period, other));
        }
    }

    function _contentOf(IUptimeLedger.Report calldata report) private pure returns (bytes32) {
        return keccak256(abi.encode(report.observed, report.up, report.evidenceRoot));
    }

    /// @dev `amount * bps/1e4 * missed/observed * factor/1e4`, rounded down, at most `amount`.
    function _part(uint256 amount, uint256 bps, Share memory share) private pure returns (uint256) {
        uint256 numerator = bps * share.missedSlots * share.factorBps;
        uint256 denominator = BPS * share.observedSlots * BPS;
        return Math.mulDiv(amount, Math.min(numerator, denominator), denominator);
    }

    /// @dev Faults that are no fraud, and that an outage of many can cause.
    function _isCorrelated(Fault fault) private pure returns (bool) {
        return fault == Fault.Withheld || fault == Fault.Unrevealed;
    }

    function _requireTerms(Fault fault, Terms memory terms_) private pure {
        require(fault != Fault.Downtime, Slasher_DowntimeHasItsOwnTerms());
        bool isLight = fault == Fault.FalseReport || fault == Fault.Unrevealed;
        bool isFraud = fault == Fault.WrongOutput || fault == Fault.Equivocation;
        uint256 most = isLight ? MAX_LIGHT_PRINCIPAL_BPS : BPS;
        _requireWithin("earningsBps", terms_.earningsBps, 0, BPS);
        _requireWithin("principalBps", terms_.principalBps, 0, most);
        _requireWithin("correlatedBps", terms_.correlatedBps, 0, _isCorrelated(fault) ? most - terms_.principalBps : 0);
        _requireWithin("cutBps", terms_.cutBps, 0, MAX_CUT_BPS);
        _requireWithin("tombstone", terms_.tombstone ? 1 : 0, 0, isFraud ? 1 : 0);
        _requireWithin("jailSeconds", terms_.jailSeconds, 0, MAX_JAIL_SECONDS);
    }

    /// @dev Downtime is punished after it is final, before a thaw begun with its period can have ended, and not later than
    ///      the weighing of periods looks back.
    function _requireConfiguration(IUptimeLedger uptimeLedger, uint64 thaw, Configuration memory configuration)
        private
        view
    {
        uint256 periodSeconds = uptimeLedger.periodStart(1) - uptimeLedger.periodStart(0);
        uint256 latest = Math.min(Math.saturatingSub(thaw, periodSeconds), MAX_LOOK_BACK * periodSeconds);
        uint256 earliest = uptimeLedger.schedule().reportWindow + 1;
        _requireWithin("evidenceWindow", configuration.evidenceWindow, earliest, latest);
        _requireWithin(
            "correlationWindow", configuration.correlationWindow, FaultWindow.BUCKETS, MAX_CORRELATION_WINDOW
        );
    }

    function _requireWithin(bytes32 name, uint256 value, uint256 min, uint256 max) private pure {
        require(value >= min && value <= max, Slasher_ParameterOutOfRange(name, value, min, max));
    }
}
