// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IFaults} from "../../src/interfaces/IFaults.sol";
import {IOperatorRegistry} from "../../src/interfaces/IOperatorRegistry.sol";
import {FaultBase} from "../FaultBase.t.sol";

/// @notice Attack: come back from a tombstone through another status that has a way back: a jail term that ends, an exit,
///         a new registration.
contract TombstoneEscapeTest is FaultBase {
    function _status() private view returns (IOperatorRegistry.Status) {
        return operatorRegistry.operatorOf(operator).status;
    }

    function _assertGone() private view {
        assertEq(uint8(_status()), uint8(IOperatorRegistry.Status.Tombstoned));
        assertFalse(operatorRegistry.isEligible(operator));
    }

    function _expectWrongStatus() private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, IOperatorRegistry.Status.Tombstoned
            )
        );
        vm.prank(operator);
    }

    /// @dev It has itself punished for a small fault, with a jail term, and waits for that to end.
    function test_AJailTermIsNoWayBack() public {
        _punish(_fault(IFaults.Fault.Equivocation, operator));
        _punish(_fault(IFaults.Fault.FalseReport, operator));
        _assertGone();
        _skip(365 days);
        _stake(operator, OWN_STAKE);

        _expectWrongStatus();
        operatorRegistry.unjail();
        _assertGone();
    }

    /// @dev Nor does an exit shield from it, before or after.
    function test_AnExitIsNoWayOut() public {
        uint256 before = vm.snapshotState();
        vm.prank(operator);
        operatorRegistry.exit();
        _punish(_fault(IFaults.Fault.Equivocation, operator));
        _assertGone();
        vm.revertToState(before);

        _punish(_fault(IFaults.Fault.Equivocation, operator));
        _expectWrongStatus();
        operatorRegistry.exit();
        _assertGone();
    }

    /// @dev Its key stays bound to it, so that a new address cannot go on with the name its clients know.
    function test_ANewAddressCannotTakeTheKeyAlong() public {
        _punish(_fault(IFaults.Fault.Equivocation, operator));
        Account memory key = signingKeyOf[operator];
        address heir = makeAddr("heir");
        _stake(heir, OWN_STAKE);
        bytes memory keySignature = _signKeyBinding(heir, key);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_KeyAlreadyBound.selector, key.addr, operator)
        );
        vm.prank(heir);
        operatorRegistry.register(key.addr, address(0), DOMAIN, "https://heir.example", 0, keySignature);
    }
}
