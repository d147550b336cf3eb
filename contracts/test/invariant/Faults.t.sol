// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {FaultHandler} from "./FaultHandler.t.sol";
import {Test} from "forge-std/Test.sol";

/// @notice What must hold of punishments whoever is punished for whatever in whatever order.
contract FaultsInvariantTest is Test {
    FaultHandler private handler;

    function setUp() public {
        handler = new FaultHandler();
        handler.setUp();
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = handler.punish.selector;
        selectors[1] = handler.punishAgain.selector;
        selectors[2] = handler.move.selector;
        selectors[3] = handler.jail.selector;
        selectors[4] = handler.stake.selector;
        selectors[5] = handler.thaw.selector;
        selectors[6] = handler.pay.selector;
        selectors[7] = handler.wait.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    /// @dev One function, because each would replay the same runs.
    function invariant_PunishmentsKeepTheirPromises() public view {
        assertEq(handler.risen(), address(0), "tombstoned is for ever, and nobody is without a verdict");
        assertTrue(handler.areAllPunished(), "a deed that was punished stays so");
        (uint256 earnings, uint256 principal, uint256 ofEarnings, uint256 ofPrincipal) = handler.taken();
        assertLe(ofEarnings * 5, earnings, "provers get at most a fifth of the earnings taken");
        assertLe(ofPrincipal * 5, principal, "and of the stake taken");
        (uint256 refunded, uint256 most) = handler.refunded();
        assertLe(refunded, most, "no victim gets more than it paid");
        assertLe(refunded + ofEarnings, earnings, "nor more than there was");
        (uint256 atFault, uint256 naive) = handler.counts();
        assertEq(atFault, naive, "each operator counts once in the window, with the most it had at stake");
    }
}
