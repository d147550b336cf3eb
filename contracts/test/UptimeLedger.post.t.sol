// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "./UptimeBase.t.sol";

contract UptimeLedgerPostTest is UptimeBase {
    function setUp() public override {
        super.setUp();
        _endPeriodOf(12);
    }

    function test_AnyonePostsTheReportsOfACommittee() public {
        (uint256[] memory observed, uint256[] memory up) = _downFor(3, 5);
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        // Nobody's word about itself counts: seven say it of the others, six of a member.
        (uint256[] memory expected, uint256[] memory expectedUp) = _naiveResult(reports);
        assertEq(abi.encode(expected, expectedUp), abi.encode(observed, up));
        bytes32[] memory evidenceRoots = new bytes32[](7);
        for (uint256 i = 0; i < 7; ++i) {
            evidenceRoots[i] = reports[i].evidenceRoot;
        }
        bytes32 resultHash = keccak256(abi.encode(observed, up));
        vm.expectEmit(address(ledger));
        emit IUptimeLedger.PeriodReported(PERIOD, reporter, 0x7f, resultHash, observed, up, evidenceRoots);
        _post(reports);
        assertEq(ledger.periodOf(PERIOD).reports, 7);
        assertEq(ledger.periodOf(PERIOD).resultHash, resultHash);
    }

    function test_TheDigestIsTheOneOfTheTypeString() public view {
        (uint256[] memory observed, uint256[] memory up) = _downFor(3, 5);
        assertEq(ledger.reportDigest(PERIOD, observed, up, "root"), _reportDigest(PERIOD, observed, up, "root"));
    }

    function test_AQuorumIsEnoughWhicheverItsSeats() public {
        uint256 posted = vm.snapshotState();
        for (uint256 seats = 0; seats < 128; ++seats) {
            if (_ones(seats) != 5) continue;
            _post(_randomReports(1, seats));
            assertEq(ledger.periodOf(PERIOD).reports, 5);
            vm.revertToState(posted);
        }
    }

    function test_ReportsAreTakenFromTheEndOfThePeriodToTheEndOfTheWindow() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        uint64 end = _periodStart(PERIOD + 1);
        vm.warp(end - 1);
        _expectOutsideWindow(end);
        _post(reports);
        vm.warp(end + REPORT_WINDOW);
        _expectOutsideWindow(end);
        _post(reports);
        vm.warp(end + REPORT_WINDOW - 1);
        _post(reports);
    }

    function test_StrictlyMoreReportsReplaceFewer() public {
        _post(_randomReports(1, 0x1f));
        bytes32 first = ledger.periodOf(PERIOD).resultHash;
        _post(_randomReports(1, 0x3f));
        assertEq(ledger.periodOf(PERIOD).reports, 6);
        assertNotEq(ledger.periodOf(PERIOD).resultHash, first);
        _post(_randomReports(1, 0x7f));
        assertEq(ledger.periodOf(PERIOD).reports, 7);
    }

    function test_RevertWhen_AsManyReportsComeAgain() public {
        _post(_randomReports(1, 0x1f));
        IUptimeLedger.Report[] memory others = _randomReports(2, 0x7c);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooFewReports.selector, 5, 6));
        _post(others);
        _post(_randomReports(1, 0x7f));
        IUptimeLedger.Report[] memory all = _randomReports(2, 0x7f);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooFewReports.selector, 7, 8));
        _post(all);
    }

    function test_RevertWhen_TheQuorumIsMissed() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x0f);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooFewReports.selector, 4, 5));
        _post(reports);
    }

    function test_RevertWhen_NoCommitteeWasDrawn() public {
        _skip(PERIOD_SECONDS);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_NotDrawn.selector, PERIOD + 1));
        ledger.post(PERIOD + 1, members, new IUptimeLedger.Report[](5));
    }

    function test_RevertWhen_TheCommitteeIsAnother() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x7f);
        (members[0], members[1]) = (members[1], members[0]);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongCommittee.selector, PERIOD));
        _post(reports);
    }

    function test_RevertWhen_AMemberReportsTwice() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        reports[2] = reports[1];
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_SeatsNotAscending.selector, 2));
        _post(reports);
    }

    function test_RevertWhen_SeatsAreOutOfOrder() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        (reports[3], reports[4]) = (reports[4], reports[3]);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_SeatsNotAscending.selector, 4));
        _post(reports);
    }

    function test_RevertWhen_ASeatDoesNotExist() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x7f);
        reports[6].seat = 7;
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_SeatUnknown.selector, uint8(7), 7));
        _post(reports);
    }

    function test_RevertWhen_ABitmapIsTooShortOrTooLong() public {
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        reports[4].observed = new uint256[](SLOTS + 1);
        _expectWrongLength(4, SLOTS + 1);
        _post(reports);

        reports = _randomReports(1, 0x1f);
        reports[0].observed = new uint256[](SLOTS - 1);
        _expectWrongLength(0, SLOTS - 1);
        _post(reports);

        reports = _randomReports(1, 0x1f);
        reports[1].up = new uint256[](SLOTS - 1);
        _expectWrongLength(1, SLOTS - 1);
        _post(reports);
    }

    function _expectWrongLength(uint8 seat, uint256 length) private {
        vm.expectRevert(
            abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongBitmapLength.selector, seat, length, SLOTS)
        );
    }

    function _expectOutsideWindow(uint64 end) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IUptimeLedger.UptimeLedger_OutsideReportWindow.selector, PERIOD, end, end + REPORT_WINDOW
            )
        );
    }
}

contract UptimeLedgerSmallCommitteeTest is UptimeBase {
    /// @dev With five or six eligible operators everybody has a seat, and four votes are still needed.
    function test_ACommitteeOfFiveNeedsEverySeatAndFourVotes() public {
        _endPeriodOf(5);
        assertEq(members.length, 5);
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        _post(reports);
        (uint256[] memory observed, uint256[] memory up) = _naiveResult(reports);
        assertEq(ledger.periodOf(PERIOD).resultHash, keccak256(abi.encode(observed, up)));
    }

    function test_RevertWhen_ASixthSeatOfACommitteeOfFiveReports() public {
        _endPeriodOf(5);
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x1f);
        reports[4].seat = 5;
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_SeatUnknown.selector, uint8(5), 5));
        _post(reports);
    }
}
