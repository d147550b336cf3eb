// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Base} from "./Base.t.sol";

contract ModelRegistryPublishVersionTest is Base {
    bytes32 private constant DIGEST = keccak256("weights v2");

    function _publish(address caller, bytes32 id, bytes32 digest, uint16 royaltyBps) private returns (uint32) {
        vm.prank(caller);
        return modelRegistry.publishVersion(id, digest, IModelRegistry.Mode.Proof, royaltyBps, "ipfs://v2");
    }

    function test_EarlierVersionsKeepTheirTerms() public {
        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.VersionPublished(modelId, 2, DIGEST, IModelRegistry.Mode.Proof, 2000, "ipfs://v2");
        assertEq(_publish(publisher, modelId, DIGEST, 2000), 2);

        assertEq(modelRegistry.model(modelId).versions, 2);
        IModelRegistry.Version memory first = modelRegistry.version(modelId, 1);
        assertEq(first.weightsDigest, sha256("weights"));
        assertEq(uint8(first.mode), uint8(IModelRegistry.Mode.Reexecution));
        assertEq(first.royaltyBps, ROYALTY_BPS);
        IModelRegistry.Version memory second = modelRegistry.version(modelId, 2);
        assertEq(second.weightsDigest, DIGEST);
        assertEq(uint8(second.mode), uint8(IModelRegistry.Mode.Proof));
        assertEq(second.royaltyBps, 2000);
    }

    function testFuzz_RevertWhen_TheVersionDoesNotExist(uint32 number) public {
        number = number == 1 ? 0 : number;

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_VersionUnknown.selector, modelId, number));
        modelRegistry.version(modelId, number);
    }

    function test_RevertWhen_TheCallerIsNotThePublisher() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_NotPublisher.selector, attacker, publisher));
        _publish(attacker, modelId, DIGEST, 0);
    }

    function test_RevertWhen_TheModelIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN));
        _publish(publisher, UNKNOWN, DIGEST, 0);
    }

    function test_RevertWhen_TheModelIsRetired() public {
        vm.prank(publisher);
        modelRegistry.retireModel(modelId);

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelIsRetired.selector, modelId));
        _publish(publisher, modelId, DIGEST, 0);
    }

    function test_RevertWhen_TheDigestIsEmpty() public {
        vm.expectRevert(IModelRegistry.ModelRegistry_EmptyDigest.selector);
        _publish(publisher, modelId, 0, 0);
    }

    function test_RevertWhen_TheRoyaltyIsTooHigh() public {
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_RoyaltyTooHigh.selector, type(uint16).max, uint16(2000))
        );
        _publish(publisher, modelId, DIGEST, type(uint16).max);
    }
}
