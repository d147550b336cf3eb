// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {IVerifierRegistry} from "../src/interfaces/IVerifierRegistry.sol";
import {AuditBase} from "./AuditBase.t.sol";
import {TestVerifier} from "./audits/TestVerifier.sol";

contract VerifierRegistryTest is AuditBase {
    address private _verifier;

    function setUp() public override {
        super.setUp();
        _verifier = address(new TestVerifier());
    }

    function test_APublisherBindsAVerifier() public {
        assertEq(verifiers.bindingOf(modelId, 1).verifier, address(0));
        vm.expectEmit(address(verifiers));
        emit IVerifierRegistry.VerifierBound(publisher, modelId, 1, _verifier);
        vm.prank(publisher);
        verifiers.bindVerifier(modelId, 1, _verifier);
        assertEq(verifiers.bindingOf(modelId, 1).verifier, _verifier);
        assertEq(verifiers.bindingOf(modelId, 1).boundAt, _now());
    }

    function test_RevertWhen_ItIsBoundAgain() public {
        vm.startPrank(publisher);
        verifiers.bindVerifier(modelId, 1, _verifier);
        address other = address(new TestVerifier());
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRegistry.VerifierRegistry_AlreadyBound.selector, modelId, 1, _verifier)
        );
        verifiers.bindVerifier(modelId, 1, other);
    }

    function test_RevertWhen_TheCallerIsNotThePublisher() public {
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRegistry.VerifierRegistry_NotPublisher.selector, attacker, publisher)
        );
        vm.prank(attacker);
        verifiers.bindVerifier(modelId, 1, _verifier);
    }

    function test_RevertWhen_TheVersionDoesNotExist() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, 2));
        vm.prank(publisher);
        verifiers.bindVerifier(modelId, 2, _verifier);
    }

    function test_RevertWhen_TheVerifierIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.VerifierRegistry_NotAContract.selector, bob));
        vm.prank(publisher);
        verifiers.bindVerifier(modelId, 1, bob);
    }
}
