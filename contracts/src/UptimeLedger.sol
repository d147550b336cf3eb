// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "./interfaces/IOperatorRegistry.sol";
import {IUptimeLedger} from "./interfaces/IUptimeLedger.sol";
import {BitmapMajority} from "./libraries/BitmapMajority.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title UptimeLedger
/// @notice Behaviour, units and errors are documented on `IUptimeLedger`.
contract UptimeLedger is IUptimeLedger, EIP712 {
    /// @param observedAt Where the report's `observed` lies in the calldata.
    /// @param upAt Likewise of `up`.
    /// @param member Index of the operator that reports.
    struct Ballot {
        uint256 observedAt;
        uint256 upAt;
        uint256 member;
    }

    bytes32 private constant REPORT_TYPEHASH =
        keccak256("UptimeReport(uint64 period,uint256[] observed,uint256[] up,bytes32 evidenceRoot)");
    uint256 public constant COMMITTEE = 7;
    uint256 public constant QUORUM = 5;
    uint32 public constant MAX_OPERATORS = 4096;

    uint256 private constant MAX_SLOTS_PER_PERIOD = 64;
    /// @dev Candidates looked at in a draw; with a third of the indices eligible a full committee is all but certain.
    uint256 private constant MAX_CANDIDATES = 96;
    /// @dev Blocks between a request and the block that seeds the draw, so that its hash is unknown to the requester.
    uint64 private constant DRAW_DELAY_BLOCKS = 2;
    uint256 private constant BLOCK_HASH_HISTORY = 256;

    IOperatorRegistry public immutable OPERATOR_REGISTRY;
    uint64 private immutable GENESIS;
    uint32 private immutable SLOT_SECONDS;
    uint32 private immutable SLOTS_PER_PERIOD;
    uint64 private immutable REPORT_WINDOW;

    mapping(uint64 period => Period) private _periods;

    constructor(IOperatorRegistry operatorRegistry, Schedule memory schedule_) EIP712("Plumbline UptimeLedger", "1") {
        require(
            address(operatorRegistry) != address(0) && schedule_.genesis != 0 && schedule_.slotSeconds != 0
                && schedule_.slotsPerPeriod != 0 && schedule_.slotsPerPeriod <= MAX_SLOTS_PER_PERIOD
                && schedule_.reportWindow != 0,
            UptimeLedger_ScheduleInvalid()
        );
        OPERATOR_REGISTRY = operatorRegistry;
        GENESIS = schedule_.genesis;
        SLOT_SECONDS = schedule_.slotSeconds;
        SLOTS_PER_PERIOD = schedule_.slotsPerPeriod;
        REPORT_WINDOW = schedule_.reportWindow;
        emit UptimeLedgerConfigured(address(operatorRegistry), schedule_);
    }

    /// @inheritdoc IUptimeLedger
    function requestDraw(uint64 period) external {
        _requireDrawable(period);
        uint64 pending = _periods[period].drawBlock;
        require(pending == 0 || block.number > pending + BLOCK_HASH_HISTORY, UptimeLedger_DrawPending(period, pending));
        uint64 drawBlock = uint64(block.number) + DRAW_DELAY_BLOCKS;
        _periods[period].drawBlock = drawBlock;
        // Counted now: who could add operators once the seed is known would choose among committees.
        uint32 operatorCount = OPERATOR_REGISTRY.operatorCount();
        require(operatorCount >= QUORUM, UptimeLedger_TooFewOperators(operatorCount, QUORUM));
        // Later operators go unwatched rather than all of them: a crowd cannot stop the ledger.
        _periods[period].operatorCount = operatorCount < MAX_OPERATORS ? operatorCount : MAX_OPERATORS;
        emit DrawRequested(period, drawBlock);
    }

    /// @inheritdoc IUptimeLedger
    function drawCommittee(uint64 period) external returns (uint32[] memory members) {
        _requireDrawable(period);
        uint64 drawBlock = _periods[period].drawBlock;
        require(drawBlock != 0, UptimeLedger_DrawNotRequested(period));
        require(block.number > drawBlock, UptimeLedger_DrawPending(period, drawBlock));
        bytes32 blockHash = blockhash(drawBlock);
        require(blockHash != bytes32(0), UptimeLedger_DrawExpired(period, drawBlock));

        uint32 operatorCount = _periods[period].operatorCount;
        bytes32 seed = keccak256(abi.encode(blockHash, period, address(this)));
        members = _draw(seed, operatorCount);
        _periods[period].committeeHash = keccak256(abi.encode(members));
        emit CommitteeDrawn(period, seed, operatorCount, members);
    }

    /// @inheritdoc IUptimeLedger
    function post(uint64 period, uint32[] calldata members, Report[] calldata reports) external {
        uint256 words = _requirePostable(period, members, reports.length);
        (uint8 seats, bytes32[] memory evidenceRoots) = _checkReports(period, members, reports, words);
        (uint256[] memory observed, uint256[] memory up) = _count(members, reports, words);
        bytes32 resultHash = keccak256(abi.encode(observed, up));
        Period storage stored = _periods[period];
        stored.reports = uint8(reports.length);
        stored.resultHash = resultHash;
        emit PeriodReported(period, msg.sender, seats, resultHash, observed, up, evidenceRoots);
    }

    /// @inheritdoc IUptimeLedger
    function schedule() external view returns (Schedule memory) {
        return Schedule({
            genesis: GENESIS, slotSeconds: SLOT_SECONDS, slotsPerPeriod: SLOTS_PER_PERIOD, reportWindow: REPORT_WINDOW
        });
    }

    /// @inheritdoc IUptimeLedger
    function periodAt(uint64 timestamp) external view returns (uint64) {
        return (timestamp - GENESIS) / _periodSeconds();
    }

    /// @inheritdoc IUptimeLedger
    function periodOf(uint64 period) external view returns (Period memory) {
        return _periods[period];
    }

    /// @inheritdoc IUptimeLedger
    function isFinal(uint64 period) external view returns (bool) {
        return _periods[period].reports != 0 && block.timestamp >= periodStart(period + 1) + REPORT_WINDOW;
    }

    /// @inheritdoc IUptimeLedger
    function tally(uint64 period, uint32 index, uint256[] calldata observed, uint256[] calldata up)
        external
        view
        returns (uint32 observedSlots, uint32 missedSlots)
    {
        Period memory stored = _periods[period];
        require(
            stored.resultHash != bytes32(0) && stored.resultHash == keccak256(abi.encode(observed, up)),
            UptimeLedger_WrongResult(period)
        );
        if (index >= stored.operatorCount) return (0, 0);
        uint256 words = _words(stored.operatorCount);
        uint256 bit = 1 << (index & 0xff);
        for (uint256 i = index >> 8; i < observed.length; i += words) {
            if (observed[i] & bit != 0) {
                ++observedSlots;
                if (up[i] & bit == 0) ++missedSlots;
            }
        }
    }

    /// @inheritdoc IUptimeLedger
    function reporterOf(uint64 period, uint32[] calldata members, Report calldata report)
        external
        view
        returns (address operator)
    {
        Period memory stored = _periods[period];
        _requireCommittee(period, stored.committeeHash, members);
        operator = _checkReport(period, members, report, _words(stored.operatorCount) * SLOTS_PER_PERIOD);
    }

    /// @inheritdoc IUptimeLedger
    function periodStart(uint64 period) public view returns (uint64) {
        return GENESIS + period * _periodSeconds();
    }

    /// @inheritdoc IUptimeLedger
    function reportDigest(uint64 period, uint256[] calldata observed, uint256[] calldata up, bytes32 evidenceRoot)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    REPORT_TYPEHASH,
                    period,
                    keccak256(abi.encodePacked(observed)),
                    keccak256(abi.encodePacked(up)),
                    evidenceRoot
                )
            )
        );
    }

    /// @dev A committee is drawn during the period before its own, so that who watches is settled before it begins and
    ///      nobody can know it long before.
    function _requireDrawable(uint64 period) private view {
        require(_periods[period].committeeHash == bytes32(0), UptimeLedger_AlreadyDrawn(period));
        uint64 startsAt = periodStart(period);
        uint64 opensAt = startsAt - _periodSeconds();
        require(block.timestamp >= opensAt, UptimeLedger_TooEarlyToDraw(period, opensAt));
        require(block.timestamp < startsAt, UptimeLedger_TooLateToDraw(period, startsAt));
    }

    /// @dev Checks committee, window and number of reports; returns the words of a slot.
    function _requirePostable(uint64 period, uint32[] calldata members, uint256 reports)
        private
        view
        returns (uint256 words)
    {
        Period memory stored = _periods[period];
        _requireCommittee(period, stored.committeeHash, members);
        uint64 end = periodStart(period + 1);
        require(
            block.timestamp >= end && block.timestamp < end + REPORT_WINDOW,
            UptimeLedger_OutsideReportWindow(period, end, end + REPORT_WINDOW)
        );
        uint256 required = stored.reports == 0 ? QUORUM : uint256(stored.reports) + 1;
        require(reports >= required, UptimeLedger_TooFewReports(reports, required));
        words = _words(stored.operatorCount);
    }

    function _requireCommittee(uint64 period, bytes32 committeeHash, uint32[] calldata members) private pure {
        require(committeeHash != bytes32(0), UptimeLedger_NotDrawn(period));
        require(committeeHash == keccak256(abi.encode(members)), UptimeLedger_WrongCommittee(period));
    }

    /// @dev Draws without replacement among eligible operators; at least a quorum, at most `COMMITTEE`.
    function _draw(bytes32 seed, uint32 operatorCount) private view returns (uint32[] memory members) {
        members = new uint32[](COMMITTEE);
        uint256 found = 0;
        for (uint256 i = 0; i < MAX_CANDIDATES && found < COMMITTEE && operatorCount != 0; ++i) {
            uint32 candidate = uint32(uint256(keccak256(abi.encode(seed, i))) % operatorCount);
            if (_contains(members, found, candidate)) continue;
            if (!OPERATOR_REGISTRY.isEligible(OPERATOR_REGISTRY.operatorAt(candidate))) continue;
            members[found++] = candidate;
        }
        require(found >= QUORUM, UptimeLedger_TooFewOperators(found, QUORUM));
        assembly ("memory-safe") {
            mstore(members, found)
        }
    }

    /// @dev Checks seats, lengths and signatures.
    function _checkReports(uint64 period, uint32[] calldata members, Report[] calldata reports, uint256 words)
        private
        view
        returns (uint8 seats, bytes32[] memory evidenceRoots)
    {
        uint256 length = words * SLOTS_PER_PERIOD;
        evidenceRoots = new bytes32[](reports.length);
        for (uint256 i = 0; i < reports.length; ++i) {
            Report calldata report = reports[i];
            require(i == 0 || report.seat > reports[i - 1].seat, UptimeLedger_SeatsNotAscending(i));
            _checkReport(period, members, report, length);
            seats |= uint8(1 << report.seat);
            evidenceRoots[i] = report.evidenceRoot;
        }
    }

    /// @dev Checks seat, lengths and signature of one report; returns whose it is.
    function _checkReport(uint64 period, uint32[] calldata members, Report calldata report, uint256 length)
        private
        view
        returns (address operator)
    {
        require(report.seat < members.length, UptimeLedger_SeatUnknown(report.seat, members.length));
        _requireLength(report.seat, report.observed.length, length);
        _requireLength(report.seat, report.up.length, length);
        operator = _requireReporter(period, members[report.seat], report);
    }

    function _requireLength(uint8 seat, uint256 length, uint256 expected) private pure {
        require(length == expected, UptimeLedger_WrongBitmapLength(seat, length, expected));
    }

    /// @dev The key must have been bound to the member at some time in the period.
    function _requireReporter(uint64 period, uint32 member, Report calldata report)
        private
        view
        returns (address operator)
    {
        bytes32 digest = reportDigest(period, report.observed, report.up, report.evidenceRoot);
        (address recovered,,) = ECDSA.tryRecover(digest, report.signature);
        IOperatorRegistry.KeyBinding memory binding = OPERATOR_REGISTRY.keyBinding(recovered);
        operator = OPERATOR_REGISTRY.operatorAt(member);
        require(
            recovered != address(0) && binding.operator == operator && binding.from < periodStart(period + 1)
                && (binding.until == 0 || binding.until > periodStart(period)),
            UptimeLedger_InvalidReporter(report.seat, recovered)
        );
    }

    function _count(uint32[] calldata members, Report[] calldata reports, uint256 words)
        private
        view
        returns (uint256[] memory observed, uint256[] memory up)
    {
        uint256 length = words * SLOTS_PER_PERIOD;
        Ballot[] memory ballots = _ballots(members, reports);
        observed = new uint256[](length);
        up = new uint256[](length);
        // Reused for each word; seats are at most seven.
        uint256[7] memory ups;
        uint256[7] memory downs;
        for (uint256 i = 0; i < length; ++i) {
            _readVotes(ballots, i, i % words, ups, downs);
            uint256 ayes = BitmapMajority.majority(ups);
            up[i] = ayes;
            observed[i] = ayes | BitmapMajority.majority(downs);
        }
    }

    /// @dev Every access to an array within an array of the calldata checks all its offsets anew: they are looked up once.
    function _ballots(uint32[] calldata members, Report[] calldata reports)
        private
        pure
        returns (Ballot[] memory ballots)
    {
        ballots = new Ballot[](reports.length);
        for (uint256 i = 0; i < reports.length; ++i) {
            uint256[] calldata observed = reports[i].observed;
            uint256[] calldata up = reports[i].up;
            (uint256 observedAt, uint256 upAt) = (0, 0);
            assembly ("memory-safe") {
                observedAt := observed.offset
                upAt := up.offset
            }
            ballots[i] = Ballot({observedAt: observedAt, upAt: upAt, member: members[reports[i].seat]});
        }
    }

    /// @dev The votes of all reports on 256 operators in one slot. `_checkReports` made sure that bitmaps are as long as
    ///      they are read here.
    function _readVotes(
        Ballot[] memory ballots,
        uint256 position,
        uint256 word,
        uint256[7] memory ups,
        uint256[7] memory downs
    ) private pure {
        for (uint256 i = 0; i < ballots.length; ++i) {
            Ballot memory ballot = ballots[i];
            (uint256 votes, uint256 ayes) = (_wordAt(ballot.observedAt, position), _wordAt(ballot.upAt, position));
            // A member's word about itself does not count.
            if (ballot.member >> 8 == word) votes &= ~(1 << (ballot.member & 0xff));
            ups[i] = votes & ayes;
            downs[i] = votes & ~ayes;
        }
    }

    function _wordAt(uint256 offset, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(offset, shl(5, position)))
        }
    }

    function _contains(uint32[] memory members, uint256 length, uint32 candidate) private pure returns (bool) {
        for (uint256 i = 0; i < length; ++i) {
            if (members[i] == candidate) return true;
        }
        return false;
    }

    function _words(uint32 operatorCount) private pure returns (uint256) {
        return (uint256(operatorCount) + 255) >> 8;
    }

    function _periodSeconds() private view returns (uint64) {
        return uint64(SLOT_SECONDS) * SLOTS_PER_PERIOD;
    }
}
