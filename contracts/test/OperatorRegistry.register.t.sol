// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IOperatorRegistry} from "../src/interfaces/IOperatorRegistry.sol";
import {Base} from "./Base.t.sol";

contract OperatorRegistryRegisterTest is Base {
    Account private key = makeAccount("a signing key");
    address private settler = makeAddr("a settler");
    address private operator = makeAddr("an operator");

    function setUp() public override {
        super.setUp();
        _stake(operator, FLOOR);
    }

    function _registerWith(address signingKey, uint16 commissionBps, bytes memory signature) private {
        vm.prank(operator);
        operatorRegistry.register(signingKey, settler, DOMAIN, "https://a.example", commissionBps, signature);
    }

    function _expectRevert(bytes memory reason) private {
        vm.expectRevert(reason);
        _registerWith(key.addr, 0, "");
    }

    function testFuzz_TheRecordHoldsWhatWasDeclared(uint16 commissionBps, bytes32 domain, address settlerKey) public {
        commissionBps = uint16(bound(commissionBps, 0, 10_000));
        bytes memory signature = _signKeyBinding(operator, key);
        vm.prank(operator);
        address returned =
            operatorRegistry.register(key.addr, settlerKey, domain, "https://a.example", commissionBps, signature);

        assertEq(returned, operator);
        IOperatorRegistry.Operator memory record = operatorRegistry.operatorOf(operator);
        assertEq(record.index, 0);
        assertEq(uint8(record.status), uint8(IOperatorRegistry.Status.Active));
        assertEq(record.inServiceSince, _now());
        assertEq(record.outOfServiceSince, 0);
        assertEq(record.jailedUntil, 0);
        assertEq(record.signingKey, key.addr);
        assertEq(record.settlerKey, settlerKey);
        assertEq(record.payout, operator);
        assertEq(record.domain, domain);
        assertEq(operatorRegistry.commissionOf(operator), commissionBps);
        assertEq(operatorRegistry.settlerOf(operator), settlerKey);
        assertEq(operatorRegistry.payoutOf(operator), operator);
        assertTrue(operatorRegistry.isEligible(operator));
        IOperatorRegistry.KeyBinding memory binding = operatorRegistry.keyBinding(key.addr);
        assertEq(binding.operator, operator);
        assertEq(binding.from, _now());
        assertEq(binding.until, 0);
    }

    function test_ItsEventsTellEverything() public {
        bytes memory signature = _signKeyBinding(operator, key);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.OperatorRegistered(operator, 0);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.KeyRotated(operator, address(0), key.addr);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.SettlerChanged(operator, settler);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.PayoutChanged(operator, operator);
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.EndpointChanged(operator, DOMAIN, "https://a.example");
        vm.expectEmit(address(operatorRegistry));
        emit IOperatorRegistry.CommissionAnnounced(operator, 2500, _now());

        _registerWith(key.addr, 2500, signature);
    }

    function test_IndicesAreGivenInOrder() public {
        _registerOperators(3);

        assertEq(operatorRegistry.operatorCount(), 3);
        for (uint32 i = 0; i < 3; ++i) {
            assertEq(operatorRegistry.operatorAt(i), operators[i]);
            assertEq(operatorRegistry.operatorOf(operators[i]).index, i);
        }
        assertEq(operatorRegistry.operatorAt(3), address(0));
    }

    function test_TheDigestIsThatOfTheTypeString() public view {
        assertEq(operatorRegistry.keyBindingDigest(operator, key.addr), _keyBindingDigest(operator, key.addr));
    }

    function test_RevertWhen_ItIsRegistered() public {
        _registerWith(key.addr, 0, _signKeyBinding(operator, key));

        _expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_AlreadyRegistered.selector, operator));
    }

    function test_RevertWhen_ItExited() public {
        _registerWith(key.addr, 0, _signKeyBinding(operator, key));
        vm.prank(operator);
        operatorRegistry.exit();

        _expectRevert(abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_AlreadyRegistered.selector, operator));
    }

    function test_TheCommissionMayBeAll() public {
        _registerWith(key.addr, 10_000, _signKeyBinding(operator, key));
        assertEq(operatorRegistry.commissionOf(operator), 10_000);
    }

    function testFuzz_RevertWhen_TheCommissionIsMoreThanAll(uint16 commissionBps) public {
        commissionBps = uint16(bound(commissionBps, 10_001, type(uint16).max));
        bytes memory signature = _signKeyBinding(operator, key);
        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_CommissionTooHigh.selector, commissionBps)
        );
        _registerWith(key.addr, commissionBps, signature);
    }

    function test_RevertWhen_ItsOwnStakeIsBelowTheFloor() public {
        _delegate(alice, operator, 100 * FLOOR);
        _thaw(operator, operator, 1e6);

        _expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotBonded.selector, operator, FLOOR - 1, FLOOR)
        );
    }

    function test_RevertWhen_TheKeyIsZero() public {
        vm.expectRevert(IOperatorRegistry.OperatorRegistry_ZeroAddress.selector);
        _registerWith(address(0), 0, "");
    }

    function test_RevertWhen_TheKeyIsBound() public {
        address first = _registerOperator("the first");
        Account memory taken = signingKeyOf[first];
        bytes memory signature = _signKeyBinding(operator, taken);

        vm.expectRevert(
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_KeyAlreadyBound.selector, taken.addr, first)
        );
        _registerWith(taken.addr, 0, signature);
    }

    function test_RevertWhen_TheKeyDidNotSign() public {
        _expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector, key.addr, address(0)
            )
        );

        Account memory other = makeAccount("another key");
        bytes memory signature = _sign(other.key, _keyBindingDigest(operator, key.addr));
        vm.expectRevert(
            abi.encodeWithSelector(
                IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector, key.addr, other.addr
            )
        );
        _registerWith(key.addr, 0, signature);
    }

    /// @dev A field that the digest left out, or a domain it shared, would let the signature pass here.
    function test_RevertWhen_TheKeySignedForAnotherOperatorContractOrChain() public {
        bytes32 structHash =
            keccak256(abi.encode(keccak256("KeyBinding(address operator,address key)"), operator, key.addr));
        bytes[4] memory signatures = [
            _signKeyBinding(attacker, key),
            _sign(key.key, _digest("Plumbline OperatorRegistry", address(settlement), structHash)),
            _sign(key.key, _digest("Plumbline InferenceSettlement", address(operatorRegistry), structHash)),
            bytes("")
        ];
        uint256 chainId = block.chainid;
        vm.chainId(chainId + 1);
        signatures[3] = _signKeyBinding(operator, key);
        vm.chainId(chainId);

        for (uint256 i = 0; i < signatures.length; ++i) {
            vm.expectPartialRevert(IOperatorRegistry.OperatorRegistry_InvalidKeySignature.selector);
            _registerWith(key.addr, 0, signatures[i]);
        }
    }

    function test_RevertWhen_AnUnknownOperatorIsRead() public {
        bytes memory reason =
            abi.encodeWithSelector(IOperatorRegistry.OperatorRegistry_NotRegistered.selector, operator);
        vm.expectRevert(reason);
        operatorRegistry.operatorOf(operator);
        vm.expectRevert(reason);
        operatorRegistry.payoutOf(operator);
        vm.expectRevert(reason);
        operatorRegistry.settlerOf(operator);
        assertFalse(operatorRegistry.isEligible(operator));
    }
}
