// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";

contract OperatorRegistryRotateKeyTest is Base {
    address private operator;
    Account private next = makeAccount("the next key");

    function setUp() public override {
        super.setUp();
        operator = _registerOperator("the operator");
    }

    function _rotate(address caller, address key, bytes memory signature) private {
        vm.prank(caller);
        operatorRegistry.rotateKey(key, signature);
    }

    function testFuzz_EveryKeyStaysAttributable(uint64 firstUse, uint64 secondUse) public {
        firstUse = uint64(bound(firstUse, 0, 365 days));
        secondUse = uint64(bound(secondUse, 0, 365 days));
        address first = signingKeyOf[operator].addr;
        bytes memory signature = _signKeyBinding(operator, next);
        _skip(firstUse);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.KeyRotated(operator, first, next.addr);
        _rotate(operator, next.addr, signature);

        Account memory third = makeAccount("the third key");
        signature = _signKeyBinding(operator, third);
        _skip(secondUse);
        _rotate(operator, third.addr, signature);

        assertEq(operatorRegistry.operatorOf(operator).signingKey, third.addr);
        _assertBinding(first, START, START + firstUse);
        _assertBinding(next.addr, START + firstUse, _now());
        _assertBinding(third.addr, _now(), 0);
    }

    function _assertBinding(address key, uint64 from, uint64 until) private view {
        IOperatorRegistry.KeyBinding memory binding = operatorRegistry.keyBinding(key);
        assertEq(binding.operator, operator);
        assertEq(binding.from, from);
        assertEq(binding.until, until);
    }

    function test_AJailedOperatorCanRotate() public {
        vm.prank(address(slasher));
        operatorRegistry.jail(operator, _now() + 1);

        _rotate(operator, next.addr, _signKeyBinding(operator, next));

        assertEq(operatorRegistry.operatorOf(operator).signingKey, next.addr);
    }

    function test_RevertWhen_AKeyIsBoundAgain() public {
        Account memory first = signingKeyOf[operator];
        bytes memory signature = _signKeyBinding(operator, first);
        bytes memory bound_ =
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_KeyAlreadyBound.selector, first.addr, operator);

        vm.expectRevert(bound_);
        _rotate(operator, first.addr, signature);

        _rotate(operator, next.addr, _signKeyBinding(operator, next));
        vm.expectRevert(bound_);
        _rotate(operator, first.addr, signature);
    }

    function test_RevertWhen_TheKeyIsZero() public {
        vm.expectRevert(IOperatorRegistry.OperatorRegistry_ZeroAddress.selector);
        _rotate(operator, address(0), "");
    }

    function test_RevertWhen_TheKeyDidNotSign() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector, next.addr, address(0)
            )
        );
        _rotate(operator, next.addr, "");
    }

    function test_RevertWhen_TheCallerIsNotRegistered() public {
        bytes memory signature = _signKeyBinding(attacker, next);
        vm.expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, attacker));
        _rotate(attacker, next.addr, signature);
    }

    function test_RevertWhen_TheOperatorExited() public {
        vm.prank(operator);
        operatorRegistry.exit();
        bytes memory signature = _signKeyBinding(operator, next);

        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_WrongStatus.selector, operator, IOperatorRegistry.Status.Exiting
            )
        );
        _rotate(operator, next.addr, signature);
    }
}
