// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "./IFaults.sol";
import {IUptimeLedger} from "./IUptimeLedger.sol";

/// @title Penalties for faults
/// @notice Three ways to a penalty. Downtime is judged here, from the final results of the uptime ledger, by anyone: a period
///         is a fault when more than a third of its observed slots were missed and enough of it was observed; the first
///         fault takes a part of the earnings that are still in escrow, and principal is reached, and the operator jailed,
///         only when faults repeat. Two signed reports of one period that contradict each other are a proof by themselves.
///         All other faults are found by a judge, who has them punished.
/// @dev Limits that no governance can pass, basis points of the slashable pool: `WrongOutput`, `Equivocation` and
///      `Withheld` up to the whole, `FalseReport`, `Unrevealed` and a repeated downtime up to a tenth (times the period's
///      factor), correlated part included. Only `Withheld` and `Unrevealed` are weighed by the stake at fault: of the others
///      many at once are no better an excuse and no worse a deed. Only fraud, `WrongOutput` and `Equivocation`, can
///      tombstone.
interface ISlasher is IFaults {
    /// @param evidenceWindow See `EVIDENCE_WINDOW`.
    /// @param correlationWindow See `CORRELATION_WINDOW`.
    /// @param firstPeriod First period whose downtime is punished; a successor begins where its predecessor ends, so that
    ///        none is punished by both.
    struct Configuration {
        uint64 evidenceWindow;
        uint64 correlationWindow;
        uint64 firstPeriod;
    }

    /// @notice The table at deployment, `Downtime` aside, which has `DowntimePenalty`.
    struct FaultTable {
        Terms withheld;
        Terms wrongOutput;
        Terms equivocation;
        Terms falseReport;
        Terms unrevealed;
    }

    /// @param missedBps Share of observed operator-slots that were missed, basis points, rounded down; 0 when none was
    ///        observed.
    /// @param averageBps Running average before the period, basis points, at least 10.
    /// @param factorBps What the period's downtime penalties are multiplied by, 10,000 to 40,000; 0 when not weighed.
    struct Outage {
        uint32 missedBps;
        uint32 averageBps;
        uint32 factorBps;
    }

    /// @param earningsBps Part of escrowed earnings taken at a fault, basis points, scaled by the missed share and the
    ///        period's factor.
    /// @param principalBps Part of the slashable pool taken at a repeated fault, basis points, scaled likewise.
    /// @param reporterCutBps Part of what is taken that the reporter earns, basis points.
    /// @param repeatAfter Faults within `memoryPeriods` from which on a fault counts as repeated; at least 2.
    /// @param memoryPeriods Distance in periods up to which another fault counts.
    /// @param jailSeconds Jail term of a repeated fault.
    struct DowntimePenalty {
        uint16 earningsBps;
        uint16 principalBps;
        uint16 reporterCutBps;
        uint16 repeatAfter;
        uint32 memoryPeriods;
        uint64 jailSeconds;
    }

    /// @notice An operator paid for a period of downtime. `earningsTaken` is in fee tokens, `principalTaken` in stake
    ///         tokens, both include the reporter's cut; `jailedUntil` is zero when it was not jailed.
    event DowntimePunished(
        address indexed operator,
        uint64 indexed period,
        address indexed reporter,
        uint32 observedSlots,
        uint32 missedSlots,
        uint32 strikes,
        uint256 earningsTaken,
        uint256 principalTaken,
        uint64 jailedUntil
    );

    /// @notice The downtime penalty changed; both are zero-valued `previous` at deployment.
    event DowntimePenaltyChanged(DowntimePenalty previous, DowntimePenalty current);

    /// @notice A fault that is weighed by the stake at fault counted its operator with `stake`, in the bucket of this block's
    ///         time and in no other: `atFault` of `total` is at fault now. Stake-token base units.
    event StakeAtFaultCounted(address indexed operator, uint256 stake, uint256 atFault, uint256 total);

    /// @notice Emitted once, at deployment.
    event SlasherConfigured(
        address uptimeLedger,
        address operatorRegistry,
        address stakeVault,
        address inferenceSettlement,
        Configuration configuration
    );

    error Slasher_PeriodNotFinal(uint64 period);
    error Slasher_EvidenceExpired(uint64 period, uint64 deadline);
    error Slasher_AlreadyPunished(address operator, uint64 period);
    error Slasher_NotExpected(address operator, uint64 period);
    error Slasher_NotDown(address operator, uint64 period, uint32 missedSlots, uint32 observedSlots);
    error Slasher_TooLittleObserved(uint32 observedSlots, uint32 required);
    error Slasher_WeighPeriodFirst(uint64 period);
    error Slasher_PeriodPassed(uint64 period, uint64 next);
    error Slasher_PeriodSkipped(uint64 period, uint64 skipped);
    error Slasher_WrongResult(uint64 period);
    error Slasher_OffencePunished(bytes32 offence);
    error Slasher_SameReport();
    error Slasher_DifferentReporters(address operator, address other);
    error Slasher_DowntimeHasItsOwnTerms();
    error Slasher_ParameterOutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);

    /// @notice Seconds after a period's end in which its downtime, and contradicting reports of it, can be punished: more than
    ///         the report window, with the period itself no more than the vault's thaw, and no more than
    ///         `MAX_LOOK_BACK` periods, all checked at deployment.
    function EVIDENCE_WINDOW() external view returns (uint64);

    /// @notice Seconds for which an operator's stake counts as at fault after a fault, to an eighth: it is kept in eight
    ///         buckets of time, of which the newest is still filling.
    function CORRELATION_WINDOW() external view returns (uint64);

    /// @notice Periods before the one that is weighed which are looked at for a result that must be weighed first.
    function MAX_LOOK_BACK() external view returns (uint64);

    /// @notice The penalty in force.
    function downtimePenalty() external view returns (DowntimePenalty memory);

    /// @notice Changes the penalty for faults punished from now on. Restricted.
    function changeDowntimePenalty(DowntimePenalty calldata penalty) external;

    /// @notice Changes the terms of a fault for cases opened from now on, within the limits above. Restricted.
    /// @dev `Downtime` has `changeDowntimePenalty`.
    function changeFaultTerms(Fault fault, Terms calldata current) external;

    /// @notice Weighs a final period: how much of it was missed, against the running average
    ///         `ewma' = ewma + min(missed, 4 average) - (ewma >> 8)`, `average = max(10, ewma >> 8)`, makes the factor
    ///         `clamp(missed / average, 1, 4)` of its downtime penalties. Anyone may call, in ascending order; a period with
    ///         a result is not skipped while its evidence lasts.
    /// @dev Every operator that was observed counts, so a committee leaves those unobserved that are not in service.
    ///      Nothing before the configured first period can be weighed, nor its downtime punished, here.
    /// @param observed The period's result words, as in `PeriodReported`.
    /// @param up Likewise.
    function weighPeriod(uint64 period, uint256[] calldata observed, uint256[] calldata up) external;

    /// @notice Punishes an operator for a final period that was weighed. Anyone may call, once for each operator and period,
    ///         in any order. What is taken of earnings and principal is multiplied by the period's factor, at most all.
    /// @dev Only periods count that the operator was in service for from beginning to end, since its registration or its
    ///      last return from jail: a jail term closes the book on what came before it.
    /// @param observed The period's result words, as in `PeriodReported`.
    /// @param up Likewise.
    function punishDowntime(address operator, uint64 period, uint256[] calldata observed, uint256[] calldata up)
        external;

    /// @notice Punishes as `Equivocation` an operator that signed two different reports of one period. Anyone may call, once
    ///         for each operator and period, and gets the cut.
    /// @param members The period's committee, as in `CommitteeDrawn`.
    /// @param report A report that `IUptimeLedger.reporterOf` accepts.
    /// @param other Another one, of the same seat.
    function punishDoubleReport(
        uint64 period,
        uint32[] calldata members,
        IUptimeLedger.Report calldata report,
        IUptimeLedger.Report calldata other
    ) external;

    /// @notice How much of the network was missed in a period; zero-valued when it was not weighed.
    function outage(uint64 period) external view returns (Outage memory);

    /// @notice The period from which on the next can be weighed.
    function nextPeriod() external view returns (uint64);

    /// @notice Stake counted as at fault now, and all stake, thawing stake included; stake-token base units.
    function stakeAtFault() external view returns (uint256 atFault, uint256 total);

    /// @notice True when the operator was punished for the period.
    function punished(address operator, uint64 period) external view returns (bool);

    /// @notice Faults of the operator that count for a fault in `period`: this one, and the punished ones up to
    ///         `memoryPeriods` before or after it. Both sides count, so that nobody escapes the penalty for repetition by
    ///         having periods reported in reverse.
    function strikes(address operator, uint64 period) external view returns (uint32);
}
