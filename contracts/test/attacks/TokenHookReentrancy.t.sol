// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {StakeVault} from "../../src/StakeVault.sol";
import {TestToken} from "../../src/TestToken.sol";
import {OneTokenBase} from "../Base.t.sol";
import {HookToken, ITransferHook} from "./tokens/HookToken.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// @notice Makes a call to the vault and, while the token calls back, another one.
contract ReentrantStaker is ITransferHook {
    StakeVault private immutable VAULT;
    bytes private _inner;
    uint256 public reentries;

    error ReentrantStaker_InnerCallPassed(bytes inner);
    error ReentrantStaker_InnerCallFailed(bytes reason);

    constructor(StakeVault vault, HookToken token) {
        VAULT = vault;
        token.approve(address(vault), type(uint256).max);
        token.hook();
    }

    function run(bytes calldata outer, bytes calldata inner) external {
        _inner = inner;
        (bool ok, bytes memory result) = address(VAULT).call(outer);
        delete _inner;
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }

    function onTransfer(address, address, uint256) external {
        if (_inner.length == 0) return;
        ++reentries;
        (bool ok, bytes memory result) = address(VAULT).call(_inner);
        require(!ok, ReentrantStaker_InnerCallPassed(_inner));
        bytes memory guarded = abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        require(keccak256(result) == keccak256(guarded), ReentrantStaker_InnerCallFailed(result));
    }
}

/// @notice Attack: enter the vault again from a hook of the token, while it is paying or being paid.
contract TokenHookReentrancyTest is OneTokenBase {
    ReentrantStaker private staker;
    uint256 private ticketId;

    function _createStakeToken() internal override returns (TestToken) {
        return new HookToken();
    }

    function setUp() public override {
        super.setUp();
        staker = new ReentrantStaker(vault, HookToken(address(stakeToken)));
        stakeToken.mint(address(staker), 10 * FLOOR);
        _run(abi.encodeCall(vault.stake, (2 * FLOOR)), "");
        _run(abi.encodeCall(vault.thaw, (address(staker), 10 ether * 1e6)), "");
        ticketId = 1;
        _run(abi.encodeCall(vault.stake, (10 ether)), "");
        _distribute(address(staker), 7 ether);
        vm.prank(address(slasher));
        vault.slash(address(staker), 3 ether, 2000, address(staker));
        _skip(THAW);
    }

    function _run(bytes memory outer, bytes memory inner) private {
        staker.run(outer, inner);
    }

    /// @dev Every way in that a hook could be called in the middle of.
    function _outerCalls() private view returns (bytes[] memory calls) {
        calls = new bytes[](6);
        calls[0] = abi.encodeCall(vault.stake, (1 ether));
        calls[1] = abi.encodeCall(vault.delegate, (address(staker), 1 ether, 0));
        calls[2] = abi.encodeCall(vault.withdraw, (_tickets()));
        calls[3] = abi.encodeCall(vault.claimRewards, (address(staker)));
        calls[4] = abi.encodeCall(vault.distribute, (address(staker), 1 ether));
        calls[5] = abi.encodeCall(vault.collectSlashed, (address(staker)));
    }

    /// @dev And every way in again: those, and the two that move no token.
    function _innerCalls() private view returns (bytes[] memory calls) {
        bytes[] memory outer = _outerCalls();
        calls = new bytes[](outer.length + 1);
        for (uint256 i = 0; i < outer.length; ++i) {
            calls[i] = outer[i];
        }
        calls[outer.length] = abi.encodeCall(vault.thaw, (address(staker), 1e6));
    }

    function _tickets() private view returns (uint256[] memory tickets) {
        tickets = new uint256[](1);
        tickets[0] = ticketId;
    }

    function test_NoCallEntersTheVaultAgain() public {
        bytes[] memory outer = _outerCalls();
        bytes[] memory inner = _innerCalls();
        for (uint256 i = 0; i < outer.length; ++i) {
            for (uint256 j = 0; j < inner.length; ++j) {
                uint256 snapshot = vm.snapshotState();
                _run(outer[i], inner[j]);
                assertEq(staker.reentries(), 1);
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev The slasher is called by anyone, so also from within a hook.
    function test_NoSlashEntersTheVaultAgain() public {
        vm.prank(admin);
        accessManager.grantRole(SLASHER, address(staker), 0);
        bytes memory slash = abi.encodeCall(vault.slash, (address(staker), 1 ether, 0, attacker));

        _run(_outerCalls()[2], slash);

        assertEq(staker.reentries(), 1);
    }
}
