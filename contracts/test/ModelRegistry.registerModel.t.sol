// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IModelRegistry} from "../src/interfaces/IModelRegistry.sol";
import {Base} from "./Base.t.sol";

contract ModelRegistryRegisterModelTest is Base {
    bytes32 private constant DIGEST = keccak256("other weights");
    bytes32 private constant SALT = "salt";
    string private constant URI = "https://models.example/a";

    function _register(address caller, bytes32 digest, bytes32 parent, uint16 royaltyBps, bytes32 salt)
        private
        returns (bytes32)
    {
        vm.prank(caller);
        return modelRegistry.registerModel(digest, parent, IModelRegistry.Mode.Attested, royaltyBps, URI, salt);
    }

    function testFuzz_AModelBelongsToItsPublisher(address caller, bytes32 digest, uint16 royaltyBps, bytes32 salt)
        public
    {
        vm.assume(caller != address(0) && caller != publisher && digest != 0);
        royaltyBps = uint16(bound(royaltyBps, 0, modelRegistry.MAX_ROYALTY_BPS()));

        bytes32 id = _register(caller, digest, modelId, royaltyBps, salt);

        assertEq(id, keccak256(abi.encode(caller, digest, salt)));
        IModelRegistry.Model memory model = modelRegistry.model(id);
        assertEq(model.publisher, caller);
        assertEq(model.versions, 1);
        assertFalse(model.retired);
        assertEq(model.pendingPublisher, address(0));
        assertEq(model.parent, modelId);
        assertEq(modelRegistry.publisherOf(id), caller);
        IModelRegistry.Version memory version = modelRegistry.version(id, 1);
        assertEq(version.weightsDigest, digest);
        assertEq(uint8(version.mode), uint8(IModelRegistry.Mode.Attested));
        assertEq(version.royaltyBps, royaltyBps);
    }

    function test_ItsEventsTellEverything() public {
        bytes32 id = keccak256(abi.encode(alice, DIGEST, SALT));
        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.ModelRegistered(alice, id, modelId, SALT);
        vm.expectEmit(address(modelRegistry));
        emit IModelRegistry.VersionPublished(id, 1, DIGEST, IModelRegistry.Mode.Attested, 700, URI);

        _register(alice, DIGEST, modelId, 700, SALT);
    }

    function test_TheSameWeightsBelongToEveryoneWhoRegistersThem() public {
        bytes32 first = _register(alice, DIGEST, 0, 0, 0);
        bytes32 second = _register(bob, DIGEST, 0, 0, 0);
        bytes32 third = _register(alice, DIGEST, 0, 0, "again");

        assertTrue(first != second && second != third && first != third);
    }

    function test_RevertWhen_TheModelExists() public {
        bytes32 id = _register(alice, DIGEST, 0, 0, 0);

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelExists.selector, id));
        _register(alice, DIGEST, 0, 0, 0);
    }

    function test_RevertWhen_TheParentDoesNotExist() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN));
        _register(alice, DIGEST, UNKNOWN, 0, 0);
    }

    /// @dev No model can be its own ancestor: its id is unknown until it exists.
    function test_RevertWhen_AModelIsItsOwnParent() public {
        bytes32 id = keccak256(abi.encode(alice, DIGEST, bytes32(0)));

        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, id));
        _register(alice, DIGEST, id, 0, 0);
    }

    function test_RevertWhen_TheDigestIsEmpty() public {
        vm.expectRevert(IModelRegistry.ModelRegistry_EmptyDigest.selector);
        _register(alice, 0, 0, 0, 0);
    }

    function test_RevertWhen_TheRoyaltyIsTooHigh() public {
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelRegistry_RoyaltyTooHigh.selector, uint16(2001), uint16(2000))
        );
        _register(alice, DIGEST, 0, 2001, 0);
    }

    function test_RevertWhen_AnUnknownModelIsRead() public {
        bytes memory unknown = abi.encodeWithSelector(IModelRegistry.ModelRegistry_ModelUnknown.selector, UNKNOWN);
        vm.expectRevert(unknown);
        modelRegistry.model(UNKNOWN);
        vm.expectRevert(unknown);
        modelRegistry.publisherOf(UNKNOWN);
        vm.expectRevert(unknown);
        modelRegistry.version(UNKNOWN, 1);
    }
}
