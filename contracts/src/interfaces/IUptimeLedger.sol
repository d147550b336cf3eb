// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Uptime of operators, attested by a committee of other operators
/// @notice Time is cut into periods of slots. For each period a committee drawn before it began signs two bitmaps over
///         the operator index: who was observed and who was up. A slot counts as up or down for an operator only with an
///         absolute majority of the whole committee, so leaving reports out can only turn a bit to unobserved; a
///         member's word about itself is ignored.
interface IUptimeLedger {
    /// @param genesis Unix seconds at which period 0 begins.
    /// @param slotSeconds Length of a slot.
    /// @param slotsPerPeriod Slots in a period.
    /// @param reportWindow Seconds after a period's end in which reports are taken; the result is final after it.
    struct Schedule {
        uint64 genesis;
        uint32 slotSeconds;
        uint32 slotsPerPeriod;
        uint64 reportWindow;
    }

    /// @notice EIP-712 `UptimeReport(uint64 period,uint256[] observed,uint256[] up,bytes32 evidenceRoot)`, signed by the
    ///         member's signing key. Word `slot * words + w` holds operators `256 w` (lowest bit) to `256 w + 255`.
    /// @param seat Position of the member in the committee.
    /// @param observed Bit set: the member probed this operator in this slot.
    /// @param up Bit set: and it answered. Ignored where `observed` is not set.
    /// @param evidenceRoot Merkle root over the operators' signed replies, so that an "up" can be proved.
    struct Report {
        uint8 seat;
        uint256[] observed;
        uint256[] up;
        bytes32 evidenceRoot;
        bytes signature;
    }

    /// @param drawBlock Block whose hash seeds the draw; zero when no draw was requested.
    /// @param operatorCount Operators registered when the draw was requested, at most `MAX_OPERATORS`; indices from here
    ///        on are not expected.
    /// @param reports Reports behind the result; zero when none was posted.
    /// @param committeeHash `keccak256(abi.encode(members))`; zero when not drawn.
    /// @param resultHash `keccak256(abi.encode(observed, up))` of the result; zero when none was posted.
    struct Period {
        uint64 drawBlock;
        uint32 operatorCount;
        uint8 reports;
        bytes32 committeeHash;
        bytes32 resultHash;
    }

    /// @notice The hash of block `drawBlock`, not yet mined, will seed the committee of `period`.
    event DrawRequested(uint64 indexed period, uint64 drawBlock);

    /// @notice The committee of `period`, as operator indices in the order of their seats.
    event CommitteeDrawn(uint64 indexed period, bytes32 seed, uint32 operatorCount, uint32[] members);

    /// @notice Result of `period` from `seats` (bit set: that member's report was counted); a later post with more reports
    ///         replaces it. `observed` and `up` are laid out as in `Report`; `up` is a subset of `observed`.
    event PeriodReported(
        uint64 indexed period,
        address indexed poster,
        uint8 seats,
        bytes32 resultHash,
        uint256[] observed,
        uint256[] up,
        bytes32[] evidenceRoots
    );

    /// @notice Emitted once, at deployment.
    event UptimeLedgerConfigured(address operatorRegistry, Schedule schedule);

    error UptimeLedger_ScheduleInvalid();
    error UptimeLedger_TooLateToDraw(uint64 period, uint64 startsAt);
    error UptimeLedger_TooEarlyToDraw(uint64 period, uint64 opensAt);
    error UptimeLedger_DrawPending(uint64 period, uint64 drawBlock);
    error UptimeLedger_DrawNotRequested(uint64 period);
    error UptimeLedger_DrawExpired(uint64 period, uint64 drawBlock);
    error UptimeLedger_AlreadyDrawn(uint64 period);
    error UptimeLedger_TooFewOperators(uint256 eligible, uint256 required);
    error UptimeLedger_NotDrawn(uint64 period);
    error UptimeLedger_WrongCommittee(uint64 period);
    error UptimeLedger_OutsideReportWindow(uint64 period, uint64 opensAt, uint64 closesAt);
    error UptimeLedger_TooFewReports(uint256 reports, uint256 required);
    error UptimeLedger_SeatsNotAscending(uint256 position);
    error UptimeLedger_SeatUnknown(uint8 seat, uint256 seats);
    error UptimeLedger_WrongBitmapLength(uint8 seat, uint256 length, uint256 expected);
    error UptimeLedger_InvalidReporter(uint8 seat, address recovered);
    error UptimeLedger_WrongResult(uint64 period);

    /// @notice Seats of a committee.
    function COMMITTEE() external view returns (uint256);

    /// @notice Operators that a period watches at most, by index; it bounds what a post can cost.
    function MAX_OPERATORS() external view returns (uint32);

    /// @notice Fewest reports that can be posted.
    function QUORUM() external view returns (uint256);

    /// @notice The schedule, fixed at deployment.
    function schedule() external view returns (Schedule memory);

    /// @notice Period of a time (unix seconds); reverts before genesis.
    function periodAt(uint64 timestamp) external view returns (uint64);

    /// @notice Unix seconds at which a period begins.
    function periodStart(uint64 period) external view returns (uint64);

    /// @notice Fixes the block whose hash will seed the committee of the next period, and the operators that it is drawn
    ///         from and watches: those registered now, at least `QUORUM`. Anyone may call, during the period before; again
    ///         only when a request was left undrawn until its block hash was lost (256 blocks).
    function requestDraw(uint64 period) external;

    /// @notice Draws the committee once the requested block is mined and before the period begins. Anyone may call.
    function drawCommittee(uint64 period) external returns (uint32[] memory members);

    /// @notice Posts at least `QUORUM` members' reports after the period's end; strictly more reports than an earlier post
    ///         replace it. Anyone may call.
    /// @param members The committee, as in `CommitteeDrawn`.
    /// @param reports In ascending order of seats.
    function post(uint64 period, uint32[] calldata members, Report[] calldata reports) external;

    /// @notice What is stored of a period.
    function periodOf(uint64 period) external view returns (Period memory);

    /// @notice True once a result was posted and can no longer be replaced.
    function isFinal(uint64 period) external view returns (bool);

    /// @notice Slots of a period in which an operator was observed and in which it was observed but not up. The result
    ///         words are checked against the stored hash.
    function tally(uint64 period, uint32 index, uint256[] calldata observed, uint256[] calldata up)
        external
        view
        returns (uint32 observedSlots, uint32 missedSlots);

    /// @notice The operator that signed a report: one that `post` would take beside enough others, were its window open.
    ///         Reverts as `post` does when the committee is not `members`, or seat, lengths or signature are wrong. A member
    ///         signs one report of a period and no other.
    function reporterOf(uint64 period, uint32[] calldata members, Report calldata report)
        external
        view
        returns (address operator);

    /// @notice EIP-712 digest that a member signs.
    function reportDigest(uint64 period, uint256[] calldata observed, uint256[] calldata up, bytes32 evidenceRoot)
        external
        view
        returns (bytes32);
}
