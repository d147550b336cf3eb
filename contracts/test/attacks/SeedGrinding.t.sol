// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "../UptimeBase.t.sol";

/// @notice Attack: see what a seed would draw before choosing it, or choose among several.
contract SeedGrindingTest is UptimeBase {
    /// @dev Who dislikes the committee that a seed gives can keep it from nobody, and cannot have another seed while the
    ///      first still has a hash.
    function test_WithholdingADrawGivesNoOtherSeed() public {
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
    function test_ALateRequestChoosesNothing() public {
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
    function test_RegisteringAfterTheSeedChangesNothing() public {
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
}
