// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {ISlasher} from "../../src/interfaces/ISlasher.sol";
import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "../UptimeBase.t.sol";

/// @notice Attack: a committee member signs one report in which a friend is up and one in which it is down, and lets
///         whoever posts choose. Either is valid by itself.
contract DoubleSignedReportTest is UptimeBase {
    uint8 private constant SEAT = 4;

    address private member;
    IUptimeLedger.Report private shown;
    IUptimeLedger.Report private kept;

    function setUp() public override {
        super.setUp();
        _endPeriodOf(12);
        member = operators[members[SEAT]];
        (uint256[] memory observed, uint256[] memory up) = _downFor(members[0], SLOTS);
        kept = _report(PERIOD, members, SEAT, observed, up);
        (observed, up) = _allUp();
        shown = _report(PERIOD, members, SEAT, observed, up);
    }

    function _punish() private {
        vm.prank(alice);
        slasher.punishDoubleReport(PERIOD, members, shown, kept);
    }

    function _assertPunished() private view {
        assertEq(vault.slashable(member), OWN_STAKE - OWN_STAKE * 8444 / 10_000);
        assertFalse(operatorRegistry.isEligible(member));
    }

    function test_WhoeverHasBothEndsItsService() public {
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        _post(_reports(PERIOD, members, observed, up));
        _punish();
        _assertPunished();
    }

    /// @dev Neither leaving, nor another key, nor thawing stake is a shelter while evidence lasts.
    function test_NoWayAroundIt() public {
        uint256 ticketId = _thaw(member, member, _sharesOf(member, member));
        Account memory next = makeAccount("next signing key");
        bytes memory keySignature = _signKeyBinding(member, next);
        vm.startPrank(member);
        operatorRegistry.rotateKey(next.addr, keySignature);
        operatorRegistry.exit();
        vm.stopPrank();
        _warpTo(_periodStart(PERIOD + 1) + EVIDENCE - 1);

        _punish();

        _assertPunished();
        _skip(THAW);
        assertEq(_withdraw(member, ticketId), OWN_STAKE - OWN_STAKE * 8444 / 10_000);
    }

    /// @dev Nobody is framed: a report of another period, of another seat or of nobody is no second report.
    function test_AnHonestMemberIsNotFramed() public {
        uint32[] memory nextMembers = _draw(PERIOD + 2);
        (uint256[] memory observed, uint256[] memory up) = _downFor(3, 2);
        for (uint8 seat = 0; seat < nextMembers.length; ++seat) {
            kept = _report(PERIOD + 2, nextMembers, seat, observed, up);
            kept.seat = SEAT;
            vm.expectPartialRevert(IUptimeLedger.UptimeLedger_InvalidReporter.selector);
            _punish();
        }
        kept = _report(PERIOD, members, SEAT - 1, observed, up);
        vm.expectRevert(
            abi.encodeWithSelector(ISlasher.Slasher_DifferentReporters.selector, member, operators[members[SEAT - 1]])
        );
        _punish();
        kept = shown;
        vm.expectRevert(abi.encodeWithSelector(ISlasher.Slasher_SameReport.selector));
        _punish();
    }
}
