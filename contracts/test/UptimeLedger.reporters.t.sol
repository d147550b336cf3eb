// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "./UptimeBase.t.sol";

/// @notice A report counts when its key was the member's at some time in the period.
contract UptimeLedgerReportersTest is UptimeBase {
    uint8 private constant SEAT = 2;

    Account private _nextKey = makeAccount("next signing key");
    Account private _previousKey;
    address private _member;

    /// @dev The committee is drawn; the period begins in a moment.
    function setUp() public override {
        super.setUp();
        _registerOperators(12);
        members = _draw(PERIOD);
        words = 1;
        _member = operators[members[SEAT]];
        _previousKey = signingKeyOf[_member];
    }

    function test_AKeyThatWasReplacedBeforeThePeriodDoesNotReport() public {
        _warpTo(_periodStart(PERIOD));
        _rotate();
        _expectRefused(_previousKey);
        _expectAccepted(_nextKey);
    }

    function test_BothKeysReportWhenTheyChangedWithinThePeriod() public {
        _warpTo(_periodStart(PERIOD) + 1);
        _rotate();
        _expectAccepted(_previousKey);
        _expectAccepted(_nextKey);
    }

    function test_BothKeysReportWhenTheyChangedInTheLastSecond() public {
        _warpTo(_periodStart(PERIOD + 1) - 1);
        _rotate();
        _expectAccepted(_previousKey);
        _expectAccepted(_nextKey);
    }

    function test_AKeyThatCameAfterThePeriodDoesNotReport() public {
        _warpTo(_periodStart(PERIOD + 1));
        _rotate();
        _expectAccepted(_previousKey);
        _expectRefused(_nextKey);
    }

    function test_AnotherMembersKeyDoesNotReportForTheSeat() public {
        _expectRefused(signingKeyOf[operators[members[SEAT + 1]]]);
    }

    function test_AMemberThatLeftDuringThePeriodStillReports() public {
        _warpTo(_periodStart(PERIOD) + 1);
        vm.prank(_member);
        operatorRegistry.exit();
        _expectAccepted(_previousKey);
    }

    function test_RevertWhen_AReportIsUnsigned() public {
        _warpTo(_periodStart(PERIOD + 1));
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x7f);
        reports[SEAT].signature = "";
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_InvalidReporter.selector, SEAT, address(0)));
        _post(reports);
    }

    /// @dev Whatever is changed in a signed report, its signature no longer fits.
    /// forge-config: default.fuzz.runs = 48
    function testFuzz_RevertWhen_ASignedReportIsChanged(uint256 field, uint256 position, uint256 bit) public {
        field = bound(field, 0, 2);
        position = bound(position, 0, SLOTS - 1);
        bit = bound(bit, 0, 255);
        _warpTo(_periodStart(PERIOD + 1));
        IUptimeLedger.Report[] memory reports = _randomReports(1, 0x7f);
        if (field == 0) reports[SEAT].observed[position] ^= 1 << bit;
        else if (field == 1) reports[SEAT].up[position] ^= 1 << bit;
        else reports[SEAT].evidenceRoot ^= bytes32(1 << bit);
        vm.expectPartialRevert(IUptimeLedger.UptimeLedger_InvalidReporter.selector);
        _post(reports);
    }

    function test_RevertWhen_AReportIsAboutAnotherPeriod() public {
        uint32[] memory nextMembers = _draw(PERIOD + 1);
        _warpTo(_periodStart(PERIOD + 1));
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD + 1, nextMembers, observed, up);
        vm.expectPartialRevert(IUptimeLedger.UptimeLedger_InvalidReporter.selector);
        _post(reports);
    }

    function _rotate() private {
        bytes memory keySignature = _signKeyBinding(_member, _nextKey);
        vm.prank(_member);
        operatorRegistry.rotateKey(_nextKey.addr, keySignature);
    }

    function _expectAccepted(Account memory key) private {
        IUptimeLedger.Report[] memory reports = _reportsSignedBy(key);
        uint256 before = vm.snapshotState();
        _post(reports);
        assertEq(ledger.periodOf(PERIOD).reports, 7);
        vm.revertToState(before);
    }

    function _expectRefused(Account memory key) private {
        IUptimeLedger.Report[] memory reports = _reportsSignedBy(key);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_InvalidReporter.selector, SEAT, key.addr));
        _post(reports);
    }

    function _reportsSignedBy(Account memory key) private returns (IUptimeLedger.Report[] memory reports) {
        if (_now() < _periodStart(PERIOD + 1)) _warpTo(_periodStart(PERIOD + 1));
        reports = _randomReports(1, 0x7f);
        IUptimeLedger.Report memory report = reports[SEAT];
        report.signature = _sign(key.key, _reportDigest(PERIOD, report.observed, report.up, report.evidenceRoot));
    }
}
