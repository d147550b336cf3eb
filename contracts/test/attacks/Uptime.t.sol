// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "../UptimeBase.t.sol";

/// @notice Attempts on the uptime record: on who watches, and on what they are made to say.
contract UptimeAttacks is UptimeBase {
    function test_ReportByANonMember() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        address outsider = operators[_outsider()];
        reports[4].signature =
            _sign(signingKeyOf[outsider].key, _reportDigest(PERIOD, observed, up, reports[4].evidenceRoot));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUptimeLedger.UptimeLedger_InvalidReporter.selector, uint8(4), signingKeyOf[outsider].addr
            )
        );
        _post(reports);
    }

    /// @dev A committee of its own making does not help either: it is not the one that was drawn.
    function test_CommitteeChosenByThePoster() public {
        _endPeriodOf(12);
        uint32[] memory drawn = members;
        members[0] = _outsider();
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_WrongCommittee.selector, PERIOD));
        _post(reports);
        members = drawn;
        _post(_reports(PERIOD, drawn, observed, up));
    }

    /// @dev A member that is down says it is up, and finds three others to say so: its own word would make four.
    function test_SelfReportedUptime() public {
        _endPeriodOf(12);
        uint256 liar = members[2];
        IUptimeLedger.Report[] memory reports = new IUptimeLedger.Report[](7);
        for (uint8 seat = 0; seat < 7; ++seat) {
            (uint256[] memory observed, uint256[] memory up) = _allUp();
            // Seats 2 to 5 call it up, the others down.
            if (seat < 2 || seat > 5) {
                for (uint256 slot = 0; slot < SLOTS; ++slot) {
                    up[slot] &= ~(1 << liar);
                }
            }
            reports[seat] = _report(PERIOD, members, seat, observed, up);
        }
        vm.recordLogs();
        _post(reports);
        (,, uint256[] memory resultObserved, uint256[] memory resultUp,) =
            abi.decode(vm.getRecordedLogs()[0].data, (uint8, bytes32, uint256[], uint256[], bytes32[]));
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            assertEq(resultUp[slot] & (1 << liar), 0);
            assertEq(resultObserved[slot] & (1 << liar), 0);
        }
    }

    /// @dev Who dislikes the committee that a seed gives can keep it from nobody, and cannot have another seed while the
    ///      first still has a hash.
    function test_SeedGrindingByWithholding() public {
        _registerOperators(12);
        _warpTo(_periodStart(PERIOD) - PERIOD_SECONDS);
        vm.prank(attacker);
        ledger.requestDraw(PERIOD);
        uint64 drawBlock = _blockNumber() + 2;
        for (uint256 i = 0; i < 258; i += 43) {
            vm.roll(drawBlock - 2 + i);
            vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_DrawPending.selector, PERIOD, drawBlock));
            vm.prank(attacker);
            ledger.requestDraw(PERIOD);
        }
        vm.prank(bob);
        ledger.drawCommittee(PERIOD);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_AlreadyDrawn.selector, PERIOD));
        vm.prank(attacker);
        ledger.requestDraw(PERIOD);
    }

    /// @dev Once a period has begun, nobody chooses who watches it; and nobody draws before the seed exists.
    function test_SeedGrindingByALateRequest() public {
        _registerOperators(12);
        uint64 startsAt = _periodStart(PERIOD);
        _warpTo(startsAt);
        vm.expectRevert(abi.encodeWithSelector(IUptimeLedger.UptimeLedger_TooLateToDraw.selector, PERIOD, startsAt));
        ledger.requestDraw(PERIOD);

        ledger.requestDraw(PERIOD + 1);
        uint64 drawBlock = _blockNumber() + 2;
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IUptimeLedger.UptimeLedger_DrawPending.selector, PERIOD + 1, drawBlock)
            );
            ledger.drawCommittee(PERIOD + 1);
            if (i < 2) _mine(1);
        }
        _mine(1);
        ledger.drawCommittee(PERIOD + 1);
    }

    /// @dev Registering once the seed is known would draw another committee with each new operator.
    function test_SeedGrindingByRegisteringAfterTheSeed() public {
        _registerOperators(12);
        _warpTo(_periodStart(PERIOD) - PERIOD_SECONDS);
        ledger.requestDraw(PERIOD);
        _mine(3);
        uint256 known = vm.snapshotState();
        bytes memory drawn = abi.encode(ledger.drawCommittee(PERIOD));
        vm.revertToState(known);
        for (uint256 i = 0; i < 4; ++i) {
            _registerOperators(1);
            uint256 registered = vm.snapshotState();
            assertEq(abi.encode(ledger.drawCommittee(PERIOD)), drawn);
            vm.revertToState(registered);
        }
    }

    function test_CrossChainReplayOfAReport() public {
        _endPeriodOf(12);
        (uint256[] memory observed, uint256[] memory up) = _allUp();
        IUptimeLedger.Report[] memory reports = _reports(PERIOD, members, observed, up);
        vm.chainId(4242);
        vm.expectPartialRevert(IUptimeLedger.UptimeLedger_InvalidReporter.selector);
        _post(reports);
    }

    /// @dev The first operator without a seat.
    function _outsider() private view returns (uint32 index) {
        while (_isMember(index)) {
            ++index;
        }
    }

    function _isMember(uint32 index) private view returns (bool) {
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == index) return true;
        }
        return false;
    }
}
