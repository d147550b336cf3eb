// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "./UptimeBase.t.sol";

contract UptimeLedgerMajorityTest is UptimeBase {
    function setUp() public override {
        super.setUp();
        _endPeriodOf(12);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_TheResultIsTheCountOfVotes(uint256 seed, uint256 seats) public {
        seats = _atLeastFive(seats);
        IUptimeLedger.Report[] memory reports = _randomReports(bound(seed, 0, type(uint128).max), seats);
        _post(reports);
        (uint256[] memory observed, uint256[] memory up) = _naiveResult(reports);
        assertEq(ledger.periodOf(PERIOD).resultHash, keccak256(abi.encode(observed, up)));
    }

    /// @dev Who leaves reports out can hide a slot, but never turn up into down or down into up.
    /// forge-config: default.fuzz.runs = 48
    function testFuzz_FewerReportsOnlyMakeSlotsUnobserved(uint256 seed, uint256 seats) public {
        seats = _atLeastFive(seats);
        seed = bound(seed, 0, type(uint128).max);
        (uint256[] memory observed, uint256[] memory up) = _resultOf(_randomReports(seed, _allSeats()));
        (uint256[] memory observedByFewer, uint256[] memory upByFewer) = _resultOf(_randomReports(seed, seats));
        for (uint256 i = 0; i < observed.length; ++i) {
            assertEq(observedByFewer[i] & ~observed[i], 0, "nothing is observed that was not");
            assertEq(observedByFewer[i] & (up[i] ^ upByFewer[i]), 0, "what is still observed is the same");
            assertEq(upByFewer[i] & ~observedByFewer[i], 0, "up is part of observed");
        }
    }

    function test_ThreeOfSevenVotesLeaveASlotUnobserved() public {
        uint256 target = _notAMember();
        (uint256[] memory observed, uint256[] memory up) = _postVotes(target, 3, 3);
        assertEq(observed[0] & (1 << target), 0);
        assertEq(up[0] & (1 << target), 0);
    }

    function test_FourOfSevenVotesDecideASlot() public {
        uint256 target = _notAMember();
        (uint256[] memory observed, uint256[] memory up) = _postVotes(target, 4, 3);
        assertEq(observed[0] & up[0] & (1 << target), 1 << target);
        (observed, up) = _postVotes(target, 3, 4);
        assertEq(observed[0] & (1 << target), 1 << target);
        assertEq(up[0] & (1 << target), 0);
    }

    /// @dev Six others can be split three to three: a member's own vote must not tip it.
    function test_AMembersOwnVoteDoesNotTipTheScale() public {
        uint256 target = members[0];
        (uint256[] memory observed, uint256[] memory up) = _postVotes(target, 4, 3);
        assertEq(observed[0] & (1 << target), 0);
        assertEq(up[0] & (1 << target), 0);
        // Four others do.
        (observed, up) = _postVotes(target, 5, 2);
        assertEq(observed[0] & up[0] & (1 << target), 1 << target);
    }

    /// @dev The first `ups` seats saw the target up, the next `downs` saw it down, all in the first slot.
    function _postVotes(uint256 target, uint256 ups, uint256 downs)
        private
        returns (uint256[] memory observed, uint256[] memory up)
    {
        IUptimeLedger.Report[] memory reports = new IUptimeLedger.Report[](7);
        for (uint8 seat = 0; seat < 7; ++seat) {
            uint256[] memory seen = new uint256[](SLOTS);
            uint256[] memory answered = new uint256[](SLOTS);
            if (seat < ups + downs) seen[0] = 1 << target;
            if (seat < ups) answered[0] = 1 << target;
            reports[seat] = _report(PERIOD, members, seat, seen, answered);
        }
        return _resultOf(reports);
    }

    /// @dev Posts, reads the result from the event and takes the post back.
    function _resultOf(IUptimeLedger.Report[] memory reports)
        private
        returns (uint256[] memory observed, uint256[] memory up)
    {
        uint256 before = vm.snapshotState();
        vm.recordLogs();
        _post(reports);
        (,, observed, up,) = abi.decode(vm.getRecordedLogs()[0].data, (uint8, bytes32, uint256[], uint256[], bytes32[]));
        vm.revertToState(before);
    }

    function _notAMember() private view returns (uint256 index) {
        uint256 seated = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            seated |= 1 << members[i];
        }
        while (seated & (1 << index) != 0) {
            ++index;
        }
    }

    function _atLeastFive(uint256 seats) private pure returns (uint256) {
        seats = bound(seats, 0, 127);
        for (uint256 seat = 0; _ones(seats) < 5; ++seat) {
            seats |= 1 << seat;
        }
        return seats;
    }
}
