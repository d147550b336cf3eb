// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../../src/interfaces/IOperatorRegistry.sol";
import {Base} from "../Base.t.sol";

/// @notice Attack: bind somebody else's signing key first, so that its owner never can.
contract KeySquattingTest is Base {
    address private operator = makeAddr("an operator");
    Account private key = makeAccount("the operator's key");

    function setUp() public override {
        super.setUp();
        _stake(operator, OWN_STAKE);
        _stake(attacker, OWN_STAKE);
    }

    function _squat(bytes memory signature) private {
        vm.expectPartialRevert(IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector);
        vm.prank(attacker);
        operatorRegistry.register(key.addr, address(0), DOMAIN, "", 0, signature);
    }

    function test_AKeyIsBoundOnlyByItsOwnSignature() public {
        _squat("");
        _squat(new bytes(65));
        _squat(_signKeyBinding(attacker, makeAccount("the attacker's key")));
        // Seen in the mempool: the owner's signature, sent by the attacker first.
        _squat(_signKeyBinding(operator, key));

        _register(operator, key);

        assertEq(operatorRegistry.keyBinding(key.addr).operator, operator);
    }

    /// @dev A rotation is as guarded as a registration.
    function test_ARotationCannotSquatEither() public {
        _register(attacker, makeAccount("the attacker's key"));
        bytes memory signature = _signKeyBinding(operator, key);

        vm.expectPartialRevert(IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector);
        vm.prank(attacker);
        operatorRegistry.rotateKey(key.addr, signature);

        _register(operator, key);
    }
}
